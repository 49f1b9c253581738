import type { Pointer } from '../native/bind.ts';
import { ggmlConstants, ggmlType } from '../native/ggml.ts';
import type { Ggml } from '../native/native.ts';
import type { TowerConfig } from './config.ts';

/**
 * How attention is computed. `flash-f16`: ggml's fused kernel with keys and values in f16;
 * `flash-f32`: the same in f32, for f32 weights and for the CPU; `plain`: two matrix products and a softmax, with a
 * score tensor of heads * patches * patches floats (1 GB for 4096 patches), for devices without a fused kernel.
 */
export type Attention = 'flash-f16' | 'flash-f32' | 'plain';

export interface TowerGraph {
  graph: Pointer;
  /** Input [3*patch*patch, patches] f32. */
  patches: Pointer;
  /** Inputs [patches] i32. */
  rowPositions: Pointer;
  columnPositions: Pointer;
  /** Output of the tower's last block [hidden, patches] f32. */
  tower: Pointer;
  /** Output of the adapter [outputDim, patches / merge^2] f32. */
  rows: Pointer;
  /** The attention nodes, to ask a device whether it can compute them. */
  attention: Pointer[];
}

export interface GraphOptions {
  config: TowerConfig;
  patchCount: number;
  attention: Attention;
  weight: (name: string) => Pointer;
  /** Keep the tower's own output readable after the run. */
  keepTower: boolean;
}

/** Nodes and leaves a graph may have: about 25 a layer, with room. */
export function graphCapacity(config: TowerConfig): number {
  return 256 + config.layers * 48;
}

/**
 * Vision tower, patch merger and adapter for one picture as a ggml graph in the arena `g`.
 * Shapes in comments are ggml's: fastest dimension first. n = patches, d = hidden, k = head width.
 * Source: Mistral's vision_encoder.py, Hugging Face's modeling_pixtral.py.
 */
export function buildTowerGraph(ggml: Ggml, g: Pointer, options: GraphOptions): TowerGraph {
  const { config, patchCount: n, attention: kind, weight } = options;
  const { hidden: d, heads, headDim: k, normEps, intermediate, spatialMergeSize: merge, outputDim } = config;
  const pixels = config.channels * config.patchSize ** 2;
  const attentionNodes: Pointer[] = [];

  const patches = ggml.newTensor2d(g, ggmlType.f32, pixels, n); // [pixels, n]
  const rowPositions = ggml.newTensor1d(g, ggmlType.i32, n); // [n]
  const columnPositions = ggml.newTensor1d(g, ggmlType.i32, n); // [n]
  for (const input of [patches, rowPositions, columnPositions]) ggml.setInput(input);

  const norm = (x: Pointer, name: string, eps = normEps): Pointer => ggml.mul(g, ggml.rmsNorm(g, x, eps), weight(name));
  const split = (x: Pointer): Pointer => ggml.reshape3d(g, x, k, heads, n); // [k, heads, n]
  const rope = (x: Pointer): Pointer => rope2d(ggml, g, x, { config, rowPositions, columnPositions }); // [k, heads, n]

  const kernel = ggml.reshape2d(g, weight('v.patch_embd.weight'), pixels, d); // [pixels, d]
  let x = ggml.mulMat(g, kernel, patches); // [d, n]
  x = norm(x, 'v.pre_ln.weight'); // [d, n]
  for (let layer = 0; layer < config.layers; layer++) {
    const block = (name: string): Pointer => weight(`v.blk.${layer}.${name}.weight`);
    const a = norm(x, `v.blk.${layer}.ln1.weight`); // [d, n]
    const q = rope(split(ggml.mulMat(g, block('attn_q'), a))); // [k, heads, n]
    const key = rope(split(ggml.mulMat(g, block('attn_k'), a))); // [k, heads, n]
    const value = split(ggml.mulMat(g, block('attn_v'), a)); // [k, heads, n]
    const mixed = attend(ggml, g, { q, key, value, kind, scale: 1 / Math.sqrt(k), nodes: attentionNodes }); // [d, n]
    x = ggml.add(g, x, ggml.mulMat(g, block('attn_out'), ggml.reshape2d(g, mixed, d, n))); // [d, n]
    const f = norm(x, `v.blk.${layer}.ln2.weight`); // [d, n]
    const gate = ggml.mulMat(g, block('ffn_gate'), f); // [intermediate, n]
    const up = ggml.mulMat(g, block('ffn_up'), f); // [intermediate, n]
    const activated = ggml.reshape2d(g, ggml.swigluSplit(g, gate, up), intermediate, n); // [intermediate, n]
    x = ggml.add(g, x, ggml.mulMat(g, block('ffn_down'), activated)); // [d, n]
  }
  const tower = x;
  if (options.keepTower) ggml.setOutput(tower);

  if (config.projectorNorm) x = norm(x, 'mm.input_norm.weight', config.projectorNormEps); // [d, n]
  if (merge > 1) x = mergePatches(ggml, g, x, { config, n, weight: weight('mm.patch_merger.weight') }); // [d, n/merge^2]
  const bias = (y: Pointer, name: string): Pointer => (config.adapterBias ? ggml.add(g, y, weight(name)) : y);
  const wide = bias(ggml.mulMat(g, weight('mm.1.weight'), x), 'mm.1.bias'); // [outputDim, n/merge^2]
  const bent = ggml.reshape2d(g, ggml.geluErf(g, wide), outputDim, n / merge ** 2); // [outputDim, n/merge^2]
  const rows = bias(ggml.mulMat(g, weight('mm.2.weight'), bent), 'mm.2.bias'); // [outputDim, n/merge^2]
  ggml.setOutput(rows);

  const graph = ggml.newGraphCustom(g, graphCapacity(config), false);
  ggml.buildForwardExpand(graph, rows);
  return { graph, patches, rowPositions, columnPositions, tower, rows, attention: attentionNodes };
}

interface RopeOptions {
  config: TowerConfig;
  rowPositions: Pointer;
  columnPositions: Pointer;
}

/**
 * 2-D RoPE over adjacent pairs: the first half of a head turns with the row by the even frequencies,
 * the second half with the column by the odd ones. theta^(-4j/k) and theta^(-(4j+2)/k) are one rope over
 * k/2 dimensions, the second with all angles scaled by theta^(-2/k).
 */
function rope2d(ggml: Ggml, g: Pointer, x: Pointer, { config, rowPositions, columnPositions }: RopeOptions): Pointer {
  const { headDim: k, ropeTheta } = config;
  const turn = (y: Pointer, positions: Pointer, scale: number): Pointer =>
    ggml.ropeExt(g, y, positions, null, k / 2, 0, 0, ropeTheta, scale, 0, 1, 0, 0);
  const byRow = turn(x, rowPositions, 1);
  const byColumn = turn(byRow, columnPositions, ropeTheta ** (-2 / k));
  return ggml.ropeSetOffset(byColumn, k / 2);
}

interface AttendOptions {
  q: Pointer;
  key: Pointer;
  value: Pointer;
  kind: Attention;
  scale: number;
  nodes: Pointer[];
}

/** Every patch looks at every patch of its own picture. q, key, value [k, heads, n] -> [k*heads, n] in memory order. */
function attend(ggml: Ggml, g: Pointer, { q, key, value, kind, scale, nodes }: AttendOptions): Pointer {
  const queries = ggml.permute(g, q, 0, 2, 1, 3); // [k, n, heads]
  const keys = ggml.permute(g, key, 0, 2, 1, 3); // [k, n, heads]
  if (kind === 'plain') {
    const transposed = ggml.cont(g, ggml.permute(g, value, 1, 2, 0, 3)); // [n, k, heads]
    const scores = ggml.mulMat(g, keys, queries); // [n, n, heads]
    const mixed = ggml.mulMat(g, transposed, ggml.softMaxExt(g, scores, null, scale, 0)); // [k, n, heads]
    return ggml.cont(g, ggml.permute(g, mixed, 0, 2, 1, 3)); // [k, heads, n]
  }
  const stored = (x: Pointer): Pointer => (kind === 'flash-f16' ? ggml.cast(g, x, ggmlType.f16) : x);
  const values = ggml.permute(g, value, 0, 2, 1, 3); // [k, n, heads]
  const mixed = ggml.flashAttnExt(g, queries, stored(keys), stored(values), null, scale, 0, 0); // [k, heads, n]
  ggml.setPrecision(mixed, ggmlConstants.precisionF32);
  nodes.push(mixed);
  return mixed;
}

/** Joins merge x merge neighbours, which stand together (patch-order.ts). [d, n] -> [d, n/merge^2] */
function mergePatches(
  ggml: Ggml,
  g: Pointer,
  x: Pointer,
  { config, n, weight }: { config: TowerConfig; n: number; weight: Pointer },
): Pointer {
  const square = config.spatialMergeSize ** 2;
  const squares = ggml.reshape3d(g, x, config.hidden, square, n / square); // [d, square, n/square]
  // Channels slowest, inside a channel row by row: torch's unfold.
  const unfolded = ggml.cont(g, ggml.permute(g, squares, 1, 0, 2, 3)); // [square, d, n/square]
  return ggml.mulMat(g, weight, ggml.reshape2d(g, unfolded, square * config.hidden, n / square)); // [d, n/square]
}
