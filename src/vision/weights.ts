import { open } from 'node:fs/promises';
import { PixtralError } from '../base/errors.ts';
import { readExactly } from '../base/files.ts';
import type { TensorRule } from '../gguf/tensor-table.ts';
import type { Gguf } from '../gguf/types.ts';
import type { Pointer } from '../native/bind.ts';
import type { Device } from '../native/devices.ts';
import { ggmlConstants, ggmlType } from '../native/ggml.ts';
import { Handles } from '../native/handles.ts';
import type { Native } from '../native/native.ts';
import { type TowerConfig, towerTensors } from './config.ts';

interface WeightsOptions {
  native: Native;
  /** The projector file. */
  gguf: Gguf;
  device: Device;
}

/** Bytes moved to the device at a time, where it takes parts of a tensor. */
const uploadChunk = 16 * 1024 * 1024;

interface Weights {
  weights: Map<string, Pointer>;
  weightBytes: number;
}

/** Copies the tower's weights into memory of the device, where there is a choice into that which it computes fastest from. */
export async function uploadWeights(
  options: WeightsOptions,
  { config, handles, backend }: { config: TowerConfig; handles: Handles; backend: Pointer },
): Promise<Weights> {
  const wanted = towerTensors(config);
  const matrices = wanted.filter(isMatrix);
  const faster = fasterBufferType(options, matrices);
  const plain = { tensors: wanted, bufferType: options.native.ggml.backendBufferType(backend) };
  const groups = faster
    ? [
        { ...plain, tensors: wanted.filter((tensor) => !isMatrix(tensor)) },
        { tensors: matrices, bufferType: faster },
      ]
    : [plain];
  const all: Weights = { weights: new Map(), weightBytes: 0 };
  for (const group of groups) {
    const { weights, buffer } = allocateWeights(options, group, handles);
    options.native.ggml.bufferSetUsage(buffer, ggmlConstants.usageWeights);
    await copyWeights(options, weights, { whole: group.bufferType === faster });
    for (const [name, tensor] of weights) all.weights.set(name, tensor);
    all.weightBytes += options.native.ggml.bufferSize(buffer);
  }
  return all;
}

/** What is the left side of a product just as it is. */
function isMatrix({ use }: TensorRule): boolean {
  return use === 'matrix';
}

interface WeightGroup {
  tensors: readonly TensorRule[];
  bufferType: Pointer | null;
}

function allocateWeights(
  { native: { ggml }, gguf }: WeightsOptions,
  { tensors, bufferType }: WeightGroup,
  handles: Handles,
): { arena: Pointer; weights: Map<string, Pointer>; buffer: Pointer } {
  const arena = handles.own(
    'an arena for weights',
    ggml.init({ mem_size: ggml.tensorOverhead() * (3 * tensors.length + 1), mem_buffer: null, no_alloc: true }),
    (made) => ggml.free(made),
  );
  const weights = new Map<string, Pointer>();
  for (const { name, dims } of tensors) {
    const [ne0 = 1, ne1 = 1, ne2 = 1, ne3 = 1] = dims;
    weights.set(name, ggml.newTensor4d(arena, gguf.tensors.get(name)!.type, ne0, ne1, ne2, ne3));
  }
  const buffer = handles.own('a buffer for the vision tower', ggml.allocContextTensors(arena, bufferType), (made) =>
    ggml.bufferFree(made),
  );
  return { arena, weights, buffer };
}

/**
 * Memory in which the CPU multiplies these matrices by kernels of its own: Intel's AMX (f16 too, by other kernels than
 * elsewhere and with inputs that are not rounded), or with rows in an order for wide registers. Undefined where none
 * takes all of them.
 */
function fasterBufferType(options: WeightsOptions, matrices: readonly TensorRule[]): Pointer | undefined {
  const { native, device } = options;
  const { ggml } = native;
  if (device.kind !== 'cpu') return undefined;
  const extra = ggml.registryProcAddress(ggml.deviceRegistry(device.handle), 'ggml_backend_dev_get_extra_bufts');
  const list = extra && native.callPointer(extra, device.handle);
  if (list === null) return undefined;
  return native.readPointers(list).find((bufferType) => {
    const trial = new Handles();
    try {
      const { arena, weights } = allocateWeights(options, { tensors: matrices, bufferType }, trial);
      return matrices.every(({ name, dims: [width = 1] }) => {
        const product = ggml.mulMat(arena, weights.get(name)!, ggml.newTensor2d(arena, ggmlType.f32, width, 2));
        return ggml.deviceSupportsOp(device.handle, product);
      });
    } catch {
      return false; // without memory of this kind there is the plain one
    } finally {
      trial.close();
    }
  });
}

/** `whole`: each tensor in one call, for memory that rearranges it. */
async function copyWeights(
  { native: { ggml }, gguf }: WeightsOptions,
  weights: ReadonlyMap<string, Pointer>,
  { whole }: { whole: boolean },
): Promise<void> {
  const file = await open(gguf.path, 'r');
  try {
    const sizes = Array.from(weights.keys(), (name) => gguf.tensors.get(name)!.byteLength);
    const chunk = new Uint8Array(whole ? Math.max(...sizes) : uploadChunk);
    for (const [name, tensor] of weights) {
      const { offset, byteLength } = gguf.tensors.get(name)!;
      if (ggml.nbytes(tensor) !== byteLength) {
        throw new PixtralError(
          'model',
          `${gguf.path}: tensor ${name} has ${byteLength} bytes, expected ${ggml.nbytes(tensor)}`,
        );
      }
      for (let done = 0; done < byteLength; done += chunk.byteLength) {
        const length = Math.min(chunk.byteLength, byteLength - done);
        await readExactly(file, { path: gguf.path, position: offset + done, length, target: chunk });
        ggml.tensorSet(tensor, chunk, done, length);
      }
    }
  } finally {
    await file.close();
  }
}
