import { PixtralError } from '../base/errors.ts';
import { type Bounds, optionalCount, optionalReal, requireCount, requireReal } from '../gguf/hyper-parameters.ts';
import { type TensorRule, checkTensors } from '../gguf/tensor-table.ts';
import type { Gguf } from '../gguf/types.ts';
import { optionalString } from '../gguf/values.ts';

/** Shape of a Pixtral vision tower with its adapter, as its projector file states it. */
export interface TowerConfig {
  hidden: number;
  intermediate: number;
  layers: number;
  heads: number;
  headDim: number;
  channels: number;
  /** Pixels. */
  patchSize: number;
  maxImageSize: number;
  ropeTheta: number;
  normEps: number;
  /** Width of the decoder's embeddings. */
  outputDim: number;
  /** Patches per side that the patch merger joins into one row; 1 without a merger. */
  spatialMergeSize: number;
  /** RMS norm before the patch merger (Mistral Small 3.1 and later). */
  projectorNorm: boolean;
  projectorNormEps: number;
  adapterBias: boolean;
}

/** Largest value that any model of the family comes near; a corrupt header must not size an allocation. */
const limits = {
  hidden: { min: 4, max: 65_536 },
  intermediate: { min: 1, max: 262_144 },
  layers: { min: 1, max: 512 },
  heads: { min: 1, max: 1024 },
  patchSize: { min: 1, max: 256 },
  imageSize: { min: 1, max: 16_384 },
  outputDim: { min: 1, max: 65_536 },
  mergeSize: { min: 1, max: 16 },
  ropeTheta: { min: 1, max: 1e15 },
  normEps: { min: 1e-30, max: 1 },
} as const satisfies Record<string, Bounds>;

/**
 * Reads and checks the tower's configuration and the presence and shape of all its tensors.
 * @throws PixtralError `model` when the file is no Pixtral projector or does not hold together
 */
export function towerConfig(gguf: Gguf): TowerConfig {
  const projector = optionalString(gguf, 'clip.projector_type') ?? optionalString(gguf, 'clip.vision.projector_type');
  if (projector !== 'pixtral') {
    throw new PixtralError('model', `${gguf.path}: its projector is ${projector ?? 'not stated'}, expected pixtral`, {
      hint: 'give the mmproj file of a Pixtral model with --mmproj',
    });
  }
  const config = readConfig(gguf);
  checkNumbers(gguf.path, config);
  checkTensors(gguf, [...towerTensors(config), breakRow(config)]);
  return config;
}

function readConfig(gguf: Gguf): TowerConfig {
  const count = (key: string, bounds: Bounds): number => requireCount(gguf, `clip.vision.${key}`, bounds);
  const hidden = count('embedding_length', limits.hidden);
  const normEps = requireReal(gguf, 'clip.vision.attention.layer_norm_epsilon', limits.normEps);
  const heads = count('attention.head_count', limits.heads);
  return {
    hidden,
    intermediate: count('feed_forward_length', limits.intermediate),
    layers: count('block_count', limits.layers),
    heads,
    headDim: hidden / heads,
    channels: 3,
    patchSize: count('patch_size', limits.patchSize),
    maxImageSize: count('image_size', limits.imageSize),
    ropeTheta: optionalReal(gguf, 'clip.rope.freq_base', limits.ropeTheta) ?? 10_000,
    normEps,
    outputDim: count('projection_dim', limits.outputDim),
    spatialMergeSize: optionalCount(gguf, 'clip.vision.spatial_merge_size', limits.mergeSize) ?? 1,
    projectorNorm: gguf.tensors.has('mm.input_norm.weight'),
    projectorNormEps: optionalReal(gguf, 'pixtral.projector_norm_epsilon', limits.normEps) ?? normEps,
    adapterBias: gguf.tensors.has('mm.1.bias'),
  };
}

/** Every tensor of the tower, the patch merger and the adapter. */
export function towerTensors(config: TowerConfig): TensorRule[] {
  const { hidden, intermediate, outputDim, patchSize, channels, spatialMergeSize } = config;
  const matrix = (name: string, dims: readonly number[]): TensorRule => ({ name, dims, use: 'matrix' });
  const vector = (name: string, width: number): TensorRule => ({ name, dims: [width], use: 'vector' });
  const rules: TensorRule[] = [
    { name: 'v.patch_embd.weight', dims: [patchSize, patchSize, channels, hidden], use: 'kernel' },
    vector('v.pre_ln.weight', hidden),
  ];
  for (let layer = 0; layer < config.layers; layer++) {
    const block = `v.blk.${layer}`;
    rules.push(
      vector(`${block}.ln1.weight`, hidden),
      matrix(`${block}.attn_q.weight`, [hidden, hidden]),
      matrix(`${block}.attn_k.weight`, [hidden, hidden]),
      matrix(`${block}.attn_v.weight`, [hidden, hidden]),
      matrix(`${block}.attn_out.weight`, [hidden, hidden]),
      vector(`${block}.ln2.weight`, hidden),
      matrix(`${block}.ffn_gate.weight`, [hidden, intermediate]),
      matrix(`${block}.ffn_up.weight`, [hidden, intermediate]),
      matrix(`${block}.ffn_down.weight`, [intermediate, hidden]),
    );
  }
  if (config.projectorNorm) rules.push(vector('mm.input_norm.weight', hidden));
  if (spatialMergeSize > 1) rules.push(matrix('mm.patch_merger.weight', [hidden * spatialMergeSize ** 2, hidden]));
  rules.push(matrix('mm.1.weight', [hidden, outputDim]), matrix('mm.2.weight', [outputDim, outputDim]));
  if (config.adapterBias) rules.push(vector('mm.1.bias', outputDim), vector('mm.2.bias', outputDim));
  return rules;
}

/** The text model's row of [IMG_BREAK], which mtmd needs and we take from the model itself. */
function breakRow({ outputDim }: TowerConfig): TensorRule {
  return { name: 'v.token_embd.img_break', dims: [outputDim], use: 'vector', optional: true };
}

function checkNumbers(
  path: string,
  { hidden, heads, headDim, patchSize, maxImageSize, spatialMergeSize }: TowerConfig,
): void {
  // 2-D RoPE turns pairs of components, half of them by row and half by column.
  if (!Number.isInteger(headDim) || headDim % 4 !== 0) {
    throw new PixtralError('model', `${path}: ${hidden} wide with ${heads} heads, expected heads of a multiple of 4`);
  }
  const least = patchSize * spatialMergeSize;
  if (maxImageSize < least) {
    throw new PixtralError('model', `${path}: images of ${maxImageSize} pixels, expected at least one patch, ${least}`);
  }
}
