import { createHash } from 'node:crypto';
import { type Pointer, callAsync } from '../bind.ts';
import { cpuDevice } from '../devices.ts';
import { ggmlConstants, ggmlType } from '../ggml.ts';
import { newArena, openScheduler, setThreads } from '../graphs.ts';
import { Handles } from '../handles.ts';
import type { Native } from '../native.ts';
import { trialOutput } from '../trial-graph.ts';

/** What one build of the CPU's arithmetic comes to, to be compared with another's. */
export interface Products {
  /** Values by what was computed. */
  values: Record<string, number[]>;
  /** Of conversions whose bytes must be the same everywhere. */
  exact: string;
  /** Operations a second on one core, by type of weights. */
  rates: Record<'f16' | 'q4_k', number>;
}

/** Numbers of `enum ggml_type`: each has kernels of its own. */
const types = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q5_0: 6,
  q8_0: 8,
  q2_k: 10,
  q3_k: 11,
  q4_k: 12,
  q5_k: 13,
  q6_k: 14,
  iq4_nl: 20,
  iq4_xs: 23,
  bf16: 30,
} as const;

const width = 1024;
const height = 256;
/** Kernels for one row differ from those for many. */
const rowCounts = [1, 32];
const maxNodes = 8;

/** Computes with the CPU backend that is loaded. */
export async function computeProducts(native: Native): Promise<Products> {
  const cpu = cpuDevice(native);
  if (!cpu) throw new Error('ggml has no CPU device');
  const values: Products['values'] = {};
  for (const rows of [1, 40]) values[`block of ${rows}`] = [...(await trialOutput(native, cpu, rows))];
  for (const name of Object.keys(types) as (keyof typeof types)[]) {
    for (const [layout, bufferType] of layoutsOf(native, types[name]).entries()) {
      for (const rows of rowCounts) {
        const found = await product(native, { type: types[name], bufferType, height, rows, repeats: 1 });
        values[`${name} of ${rows} in layout ${layout}`] = [...found.values];
      }
    }
  }
  return {
    values,
    exact: await halvesSum(native),
    rates: { f16: await rate(native, types.f16), q4_k: await rate(native, types.q4_k) },
  };
}

/** Some two milliseconds: of many such runs some are left alone by whatever else the machine does. */
const timedHeight = 1024;
const timedRows = 64;
const timedRepeats = 100;

/** In the layout that weights of a model get. */
async function rate(native: Native, type: number): Promise<number> {
  const shape = {
    type,
    bufferType: layoutsOf(native, type).at(-1)!,
    height: timedHeight,
    rows: timedRows,
    repeats: timedRepeats,
  };
  const { seconds } = await product(native, shape);
  return (2 * width * timedHeight * timedRows) / seconds;
}

/**
 * The plain layout of weights, and those of kernels of their own that the backend has for this type on this processor
 * (rows beside each other, tiles of AMX): a model's weights get the last one.
 */
function layoutsOf(native: Native, type: number): Pointer[] {
  const { ggml } = native;
  const cpu = cpuDevice(native)!;
  const plain = ggml.deviceBufferType(cpu.handle)!;
  const extra = ggml.registryProcAddress(ggml.deviceRegistry(cpu.handle), 'ggml_backend_dev_get_extra_bufts');
  const list = extra && native.callPointer(extra, cpu.handle);
  const others = list === null ? [] : native.readPointers(list);
  return [plain, ...others.filter((bufferType) => isMultiplied(native, { type, bufferType })).toReversed()];
}

function isMultiplied(native: Native, { type, bufferType }: { type: number; bufferType: Pointer }): boolean {
  const { ggml } = native;
  const handles = new Handles();
  try {
    const g = newArena(ggml, { handles, capacity: maxNodes });
    const weights = ggml.newTensor2d(g, type, width, height);
    handles.own('a buffer', ggml.allocContextTensors(g, bufferType), (made) => ggml.bufferFree(made));
    const output = ggml.mulMat(g, weights, ggml.newTensor2d(g, ggmlType.f32, width, 2));
    return ggml.deviceSupportsOp(cpuDevice(native)!.handle, output);
  } catch {
    return false; // without memory of this kind
  } finally {
    handles.close();
  }
}

interface Shape {
  /** Of ggml. */
  type: number;
  bufferType: Pointer;
  height: number;
  rows: number;
  repeats: number;
}

/** Weights [width, height] times [width, rows] on one thread; the quickest of the runs counts. */
async function product(
  native: Native,
  { type, bufferType, height: outputs, rows, repeats }: Shape,
): Promise<{ values: Float32Array; seconds: number }> {
  const { ggml } = native;
  const handles = new Handles();
  try {
    const cpu = cpuDevice(native)!;
    const made = ggml.deviceInit(cpu.handle, null);
    const backend = handles.own('a backend', made, (opened) => ggml.backendFree(opened));
    setThreads(native, { cpu, backend, threads: 1 });
    const weights = uploaded(native, { handles, bufferType, type, outputs });
    const g = newArena(ggml, { handles, capacity: maxNodes });
    const x = ggml.newTensor2d(g, ggmlType.f32, width, rows); // [width, rows]
    ggml.setInput(x);
    const output = ggml.mulMat(g, weights, x); // [outputs, rows]
    ggml.setOutput(output);
    const graph = ggml.newGraphCustom(g, maxNodes, false);
    ggml.buildForwardExpand(graph, output);
    const scheduler = openScheduler(ggml, { handles, backends: [backend], capacity: maxNodes });
    if (!ggml.schedAllocGraph(scheduler, graph)) throw new Error('no memory for the graph');
    const input = drawn(width * rows, 1);
    ggml.tensorSet(x, input, 0, input.byteLength);
    let seconds = Infinity;
    for (let run = 0; run < repeats; run++) {
      const start = performance.now();
      const status = await callAsync(ggml.schedGraphCompute, scheduler, graph);
      if (status !== ggmlConstants.statusSuccess) throw new Error(`ggml status ${status}`);
      seconds = Math.min(seconds, (performance.now() - start) / 1000);
    }
    const values = new Float32Array(outputs * rows);
    ggml.tensorGet(output, values, 0, values.byteLength);
    return { values, seconds };
  } finally {
    handles.close();
  }
}

/** Quantised by libggml-base, which is no part of the build: both sides have the same bytes. */
function uploaded(
  { ggml }: Native,
  { handles, bufferType, type, outputs }: { handles: Handles; bufferType: Pointer; type: number; outputs: number },
): Pointer {
  const g = newArena(ggml, { handles, capacity: maxNodes });
  const tensor = ggml.newTensor2d(g, type, width, outputs);
  const buffer = handles.own('a buffer', ggml.allocContextTensors(g, bufferType), (made) => ggml.bufferFree(made));
  ggml.bufferSetUsage(buffer, ggmlConstants.usageWeights);
  const values = drawn(width * outputs, type + 2);
  const bytes = new Uint8Array(ggml.nbytes(tensor));
  if (type === types.f32) bytes.set(new Uint8Array(values.buffer));
  else ggml.quantizeChunkSync(type, values, bytes, 0, outputs, width, null);
  ggml.tensorSet(tensor, bytes, 0, bytes.byteLength);
  return tensor;
}

/** Every exponent, signs, ties, what is too small and too large: f32 -> f16, which conversion takes from this library. */
async function halvesSum(native: Native): Promise<string> {
  const count = 2 ** 16;
  const bits = new Uint32Array(count * 4);
  for (let high = 0; high < count; high++) {
    // Just below, at and above the middle between two halves, and a value between.
    bits.set([high * 65536 + 0x0fff, high * 65536 + 0x1000, high * 65536 + 0x1001, high * 65536 + 0x5aa5], high * 4);
  }
  const floats = new Float32Array(bits.buffer).map((value) => (Number.isNaN(value) ? 0 : value));
  const halves = new Uint16Array(floats.length);
  await native.ggml.fp32ToFp16Rows(floats, halves, floats.length);
  return createHash('sha256').update(halves).digest('hex');
}

/** From -1 to 1, the same everywhere. */
function drawn(count: number, seed: number): Float32Array {
  let state = seed * 7919;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
