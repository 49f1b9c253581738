import { type Pointer, callAsync } from './bind.ts';
import { type Device, cpuDevice } from './devices.ts';
import { ggmlConstants, ggmlType } from './ggml.ts';
import { newArena, openScheduler, setThreads } from './graphs.ts';
import { Handles } from './handles.ts';
import type { Ggml, Native } from './native.ts';

/** Width of a row, of a head (as in Pixtral's tower) and of the feed-forward part. */
const width = 128;
const headDim = 64;
const heads = width / headDim;
const inner = 256;
/** One row is computed by other kernels than many are. */
const rowCounts = [1, 40];
const maxNodes = 64;

/** Matrices [ne0, ne1] of both types that GPUs have kernels of their own for. */
const matrices = {
  query: { type: ggmlType.f16, shape: [width, width] },
  key: { type: ggmlType.q8_0, shape: [width, width] },
  value: { type: ggmlType.f16, shape: [width, width] },
  out: { type: ggmlType.q8_0, shape: [width, width] },
  gate: { type: ggmlType.f16, shape: [width, inner] },
  up: { type: ggmlType.q8_0, shape: [width, inner] },
  down: { type: ggmlType.q8_0, shape: [inner, width] },
} as const;
type Weights = Record<keyof typeof matrices, Pointer>;

/**
 * How far a device's results are from the CPU's, as norm of the difference over norm: one block of a transformer, of the
 * kinds of kernels that tower and decoder are made of. A device that cannot run them may end the process.
 */
export async function trialError(native: Native, device: Device): Promise<number> {
  const cpu = cpuDevice(native);
  if (!cpu) throw new Error('ggml has no CPU device');
  let worst = 0;
  for (const rows of rowCounts) {
    const [found, expected] = [await runOn(native, [device, cpu], rows), await runOn(native, [cpu], rows)];
    const difference = norm(found.map((value, i) => value - expected[i]!)) / norm(expected);
    worst = Math.max(worst, difference); // NaN stays NaN
  }
  return worst;
}

function norm(values: Float32Array): number {
  return Math.hypot(...values);
}

/** The block's output [width, rows] on one device. */
export function trialOutput(native: Native, device: Device, rows: number): Promise<Float32Array> {
  return runOn(native, [device], rows);
}

/** The block's output [width, rows] on the first of the devices; what it cannot compute falls to the last, the CPU. */
async function runOn(native: Native, devices: readonly Device[], rows: number): Promise<Float32Array> {
  const { ggml } = native;
  const handles = new Handles();
  try {
    const backends = devices.map((device) => openBackend(native, device, handles));
    const weights = uploadWeights(ggml, { handles, bufferType: ggml.backendBufferType(backends[0]!)! });
    const { graph, x, positions, output } = trialGraph(ggml, {
      g: newArena(ggml, { handles, capacity: maxNodes }),
      weights,
      device: devices[0]!,
      rows,
    });
    const scheduler = openScheduler(ggml, { handles, backends, capacity: maxNodes });
    if (!ggml.schedAllocGraph(scheduler, graph)) throw new Error('no memory for the graph');
    const input = drawn(width * rows, 1);
    ggml.tensorSet(x, input, 0, input.byteLength);
    ggml.tensorSet(
      positions,
      Int32Array.from({ length: rows }, (_, i) => i),
      0,
      rows * 4,
    );
    const status = await callAsync(ggml.schedGraphCompute, scheduler, graph);
    if (status !== ggmlConstants.statusSuccess) throw new Error(`ggml status ${status}`);
    const result = new Float32Array(width * rows);
    ggml.tensorGet(output, result, 0, result.byteLength);
    return result;
  } finally {
    handles.close();
  }
}

function openBackend(native: Native, device: Device, handles: Handles): Pointer {
  const { ggml } = native;
  const made = ggml.deviceInit(device.handle, null);
  const backend = handles.own(`a backend on ${device.name}`, made, (opened) => ggml.backendFree(opened));
  if (device.kind === 'cpu') setThreads(native, { cpu: device, backend, threads: 1 }); // others only cost time here
  return backend;
}

function uploadWeights(ggml: Ggml, { handles, bufferType }: { handles: Handles; bufferType: Pointer }): Weights {
  const g = newArena(ggml, { handles, capacity: maxNodes });
  const entries = Object.entries(matrices).map(
    ([name, { type, shape }]) => [name, ggml.newTensor2d(g, type, shape[0], shape[1])] as const,
  );
  const buffer = handles.own('a buffer', ggml.allocContextTensors(g, bufferType), (made) => ggml.bufferFree(made));
  ggml.bufferSetUsage(buffer, ggmlConstants.usageWeights);
  const weights = Object.fromEntries(entries) as Weights;
  for (const [seed, name] of (Object.keys(matrices) as (keyof Weights)[]).entries()) {
    const { type, shape } = matrices[name];
    const values = drawn(shape[0] * shape[1], seed + 2).map((value) => value / Math.sqrt(shape[0] / 3));
    const bytes = new Uint8Array(ggml.nbytes(weights[name]));
    ggml.quantizeChunkSync(type, values, bytes, 0, shape[1], shape[0], null);
    ggml.tensorSet(weights[name], bytes, 0, bytes.byteLength);
  }
  return weights;
}

/** From -1 to 1, the same everywhere. */
function drawn(count: number, seed: number): Float32Array {
  let state = seed * 7919;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

interface TrialGraphOptions {
  /** Arena. */
  g: Pointer;
  weights: Weights;
  device: Device;
  rows: number;
}

/** Shapes as in vision/graph.ts: n = rows, d = width, k = width of a head. */
function trialGraph(ggml: Ggml, { g, weights, device, rows: n }: TrialGraphOptions) {
  const k = headDim;
  const x = ggml.newTensor2d(g, ggmlType.f32, width, n); // [d, n]
  const positions = ggml.newTensor1d(g, ggmlType.i32, n); // [n]
  for (const input of [x, positions]) ggml.setInput(input);
  const split = (y: Pointer): Pointer => ggml.reshape3d(g, y, k, heads, n); // [k, heads, n]
  const rope = (y: Pointer): Pointer => ggml.ropeExt(g, y, positions, null, k, 0, 0, 10_000, 1, 0, 1, 0, 0);
  const a = ggml.rmsNorm(g, x, 1e-5); // [d, n]
  const query = rope(split(ggml.mulMat(g, weights.query, a))); // [k, heads, n]
  const key = rope(split(ggml.mulMat(g, weights.key, a))); // [k, heads, n]
  const value = split(ggml.mulMat(g, weights.value, a)); // [k, heads, n]
  const fused = fusedAttention(ggml, g, { query, key, value }); // [k, heads, n]
  const mixed = ggml.deviceSupportsOp(device.handle, fused) ? fused : plainAttention(ggml, g, { query, key, value });
  const y = ggml.add(g, x, ggml.mulMat(g, weights.out, ggml.reshape2d(g, mixed, width, n))); // [d, n]
  const f = ggml.rmsNorm(g, y, 1e-5); // [d, n]
  const gated = ggml.swigluSplit(g, ggml.mulMat(g, weights.gate, f), ggml.mulMat(g, weights.up, f)); // [inner, n]
  const output = ggml.add(g, y, ggml.mulMat(g, weights.down, gated)); // [d, n]
  ggml.setOutput(output);
  const graph = ggml.newGraphCustom(g, maxNodes, false);
  ggml.buildForwardExpand(graph, output);
  return { graph, x, positions, output };
}

interface Heads {
  query: Pointer;
  key: Pointer;
  value: Pointer;
}

/** [k, heads, n] of each -> [k, heads, n] */
function fusedAttention(ggml: Ggml, g: Pointer, { query, key, value }: Heads): Pointer {
  const byHead = (y: Pointer): Pointer => ggml.permute(g, y, 0, 2, 1, 3); // [k, n, heads]
  const halves = (y: Pointer): Pointer => ggml.cast(g, byHead(y), ggmlType.f16); // [k, n, heads]
  const mixed = ggml.flashAttnExt(g, byHead(query), halves(key), halves(value), null, 1 / Math.sqrt(headDim), 0, 0);
  ggml.setPrecision(mixed, ggmlConstants.precisionF32);
  return mixed;
}

/** [k, heads, n] of each -> [k, heads, n] */
function plainAttention(ggml: Ggml, g: Pointer, { query, key, value }: Heads): Pointer {
  const byHead = (y: Pointer): Pointer => ggml.permute(g, y, 0, 2, 1, 3); // [k, n, heads]
  const scores = ggml.mulMat(g, byHead(key), byHead(query)); // [n, n, heads]
  const shares = ggml.softMaxExt(g, scores, null, 1 / Math.sqrt(headDim), 0); // [n, n, heads]
  const transposed = ggml.cont(g, ggml.permute(g, value, 1, 2, 0, 3)); // [n, k, heads]
  return ggml.cont(g, byHead(ggml.mulMat(g, transposed, shares))); // [k, heads, n]
}
