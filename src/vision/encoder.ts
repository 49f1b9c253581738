import { PixtralError } from '../base/errors.ts';
import type { Gguf } from '../gguf/types.ts';
import type { AbortFlag } from '../native/abort-flag.ts';
import { type Pointer, callAsync } from '../native/bind.ts';
import { type Device, cpuDevice } from '../native/devices.ts';
import { ggmlConstants, ggmlType } from '../native/ggml.ts';
import { newArena, openScheduler, setThreads } from '../native/graphs.ts';
import { Handles } from '../native/handles.ts';
import type { Native } from '../native/native.ts';
import { type TowerConfig, towerConfig } from './config.ts';
import { type Attention, type TowerGraph, buildTowerGraph, graphCapacity } from './graph.ts';
import { gatherRows, patchOrder } from './patch-order.ts';
import { uploadWeights } from './weights.ts';

export interface EncoderOptions {
  native: Native;
  /** The projector file. */
  gguf: Gguf;
  /** Where the tower computes; what it cannot compute falls to the CPU. */
  device: Device;
  threads: number;
  /** Set it to stop a run on the CPU at its next node. */
  abort: AbortFlag;
}

/** Patches of one picture in raster order; `values` is [rows * columns, channels * patch * patch]. */
export interface PatchGrid {
  columns: number;
  rows: number;
  values: Float32Array;
}

export interface EncodedPicture {
  /** One embedding row per [IMG] token, [tokens, outputDim]. */
  rows: Float32Array;
  /** Output of the tower's last block in raster order, [patches, hidden]; only with `keepTower`. */
  tower: Float32Array | undefined;
}

/**
 * The vision tower with its weights on a device. One picture per graph: pictures never see each other,
 * and the memory for activations is that of the largest picture, however many there are.
 */
export class VisionEncoder {
  readonly config: TowerConfig;
  readonly weightBytes: number;
  readonly attention: Attention;
  readonly #native: Native;
  readonly #handles: Handles;
  readonly #weights: ReadonlyMap<string, Pointer>;
  readonly #scheduler: Pointer;
  readonly #backends: readonly Pointer[];

  private constructor(parts: Parts) {
    this.config = parts.config;
    this.weightBytes = parts.weightBytes;
    this.attention = parts.attention;
    this.#native = parts.native;
    this.#handles = parts.handles;
    this.#weights = parts.weights;
    this.#scheduler = parts.scheduler;
    this.#backends = parts.backends;
  }

  /**
   * Checks the projector file and uploads its weights once.
   * @throws PixtralError `model` for a file that is not a whole Pixtral projector, `machine` for lack of memory
   */
  static async open(options: EncoderOptions): Promise<VisionEncoder> {
    const config = towerConfig(options.gguf);
    const handles = new Handles();
    try {
      return new VisionEncoder(await openParts(options, config, handles));
    } catch (thrown) {
      handles.close();
      throw thrown;
    }
  }

  /** Bytes of the activation buffers; they grow with the largest picture so far and never with their number. */
  get computeBytes(): number {
    const { ggml } = this.#native;
    return this.#backends.reduce((sum, backend) => sum + ggml.schedBufferSize(this.#scheduler, backend), 0);
  }

  /**
   * Tower, patch merger and adapter over one picture.
   * @throws PixtralError `machine` when the device fails; the abort reason when `signal` fired
   */
  async encode(
    { columns, rows, values }: PatchGrid,
    { keepTower, signal }: { keepTower: boolean; signal: AbortSignal | undefined },
  ): Promise<EncodedPicture> {
    const { config } = this;
    const { ggml } = this.#native;
    const patchCount = columns * rows;
    const pixels = config.channels * config.patchSize ** 2;
    if (values.length !== patchCount * pixels)
      throw new Error(`${values.length} values for ${columns}x${rows} patches`);
    signal?.throwIfAborted();

    const arena = new Handles();
    try {
      const g = newArena(this.#native.ggml, { handles: arena, capacity: graphCapacity(config) });
      const order = patchOrder({ columns, rows, merge: config.spatialMergeSize });
      const tower = buildTowerGraph(ggml, g, {
        config,
        patchCount,
        attention: this.attention,
        weight: (name) => this.#weight(name),
        keepTower,
      });
      const input = config.spatialMergeSize === 1 ? values : gatherRows(values, order.raster, pixels);
      await this.#compute(tower, { input, row: order.row, column: order.column, signal });
      const tokens = patchCount / config.spatialMergeSize ** 2;
      return {
        rows: this.#read(tower.rows, tokens * config.outputDim),
        tower: keepTower ? this.#rasterTower(tower.tower, order.raster) : undefined,
      };
    } finally {
      ggml.schedReset(this.#scheduler);
      arena.close();
    }
  }

  close(): void {
    this.#handles.close();
  }

  #weight(name: string): Pointer {
    const found = this.#weights.get(name);
    if (found === undefined) throw new Error(`weight ${name} was not loaded`);
    return found;
  }

  async #compute(
    tower: TowerGraph,
    {
      input,
      row,
      column,
      signal,
    }: { input: Float32Array; row: Int32Array; column: Int32Array; signal: AbortSignal | undefined },
  ): Promise<void> {
    const { ggml } = this.#native;
    if (!ggml.schedAllocGraph(this.#scheduler, tower.graph)) {
      throw new PixtralError('machine', 'vision tower: not enough memory for this picture', {
        hint: 'close other programs, or use --gpu off to compute in main memory',
      });
    }
    ggml.tensorSet(tower.patches, input, 0, input.byteLength);
    ggml.tensorSet(tower.rowPositions, row, 0, row.byteLength);
    ggml.tensorSet(tower.columnPositions, column, 0, column.byteLength);
    const status = await callAsync(ggml.schedGraphCompute, this.#scheduler, tower.graph);
    signal?.throwIfAborted();
    if (status !== ggmlConstants.statusSuccess) {
      throw new PixtralError('machine', `vision tower: the device failed with ggml status ${status}`, {
        hint: 'try --gpu off; --verbose shows the log of llama.cpp',
      });
    }
  }

  #read(tensor: Pointer, count: number): Float32Array {
    const values = new Float32Array(count);
    this.#native.ggml.tensorGet(tensor, values, 0, values.byteLength);
    return values;
  }

  #rasterTower(tensor: Pointer, raster: Int32Array): Float32Array {
    const { hidden } = this.config;
    const inverse = new Int32Array(raster.length);
    raster.forEach((index, place) => (inverse[index] = place));
    return gatherRows(this.#read(tensor, raster.length * hidden), inverse, hidden);
  }
}

interface Parts {
  native: Native;
  config: TowerConfig;
  handles: Handles;
  weights: ReadonlyMap<string, Pointer>;
  weightBytes: number;
  scheduler: Pointer;
  backends: readonly Pointer[];
  attention: Attention;
}

async function openParts(options: EncoderOptions, config: TowerConfig, handles: Handles): Promise<Parts> {
  const { native, gguf, device } = options;
  const backends = openBackends(options, handles);
  const { weights, weightBytes } = await uploadWeights(options, { config, handles, backend: backends[0]! });
  const scheduler = openScheduler(native.ggml, { handles, backends, capacity: graphCapacity(config) });
  const attention = chooseAttention(native, { gguf, config, device, weights });
  return { native, config, handles, weights, weightBytes, scheduler, backends, attention };
}

/** The chosen device first, the CPU last: ggml's scheduler wants it so. */
function openBackends({ native, device, threads, abort }: EncoderOptions, handles: Handles): Pointer[] {
  const cpu = cpuDevice(native);
  if (!cpu) throw new PixtralError('machine', 'llama.cpp: it has no CPU device');
  const devices = device.handle === cpu.handle ? [cpu] : [device, cpu];
  const backends = devices.map(({ handle, name }) =>
    handles.own(`a backend on ${name}`, native.ggml.deviceInit(handle, null), (made) => native.ggml.backendFree(made)),
  );
  configureCpu(native, { cpu, backend: backends.at(-1)!, threads, abort });
  return backends;
}

function configureCpu(
  native: Native,
  { cpu, backend, threads, abort }: { cpu: Device; backend: Pointer; threads: number; abort: AbortFlag },
): void {
  setThreads(native, { cpu, backend, threads });
  const registry = native.ggml.deviceRegistry(cpu.handle);
  const setAbort = native.ggml.registryProcAddress(registry, 'ggml_backend_set_abort_callback');
  if (setAbort !== null) native.callBackendCallback(setAbort, backend, native.address('ggml_is_empty'), abort.data);
}

/**
 * The fused kernel in the precision of the weights, where the device has it. The CPU's computes in f32 either way:
 * keys and values cut to f16 would only cost it the conversion there and back.
 */
function chooseAttention(
  native: Native,
  parts: { gguf: Gguf; config: TowerConfig; device: Device; weights: ReadonlyMap<string, Pointer> },
): Attention {
  const f32Weights = parts.gguf.tensors.get('v.blk.0.attn_q.weight')?.type === ggmlType.f32;
  const fused: Attention = f32Weights || parts.device.kind === 'cpu' ? 'flash-f32' : 'flash-f16';
  const arena = new Handles();
  try {
    const { attention } = buildTowerGraph(
      native.ggml,
      newArena(native.ggml, { handles: arena, capacity: graphCapacity(parts.config) }),
      {
        config: parts.config,
        patchCount: 256 * parts.config.spatialMergeSize ** 2,
        attention: fused,
        weight: (name) => parts.weights.get(name)!,
        keepTower: false,
      },
    );
    const supported = attention.every((node) => native.ggml.deviceSupportsOp(parts.device.handle, node));
    return supported ? fused : 'plain';
  } finally {
    arena.close();
  }
}
