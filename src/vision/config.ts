import { PixtralError } from '../base/errors.ts';
import type { Gguf } from '../gguf/types.ts';
import { optionalNumber, optionalString, requireNumber } from '../gguf/values.ts';

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
  adapterBias: boolean;
}

/** Name and shape (ne0 first) of a tensor that the tower needs. */
export interface TowerTensor {
  name: string;
  dims: readonly number[];
}

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
  const hidden = requireNumber(gguf, 'clip.vision.embedding_length');
  const heads = requireNumber(gguf, 'clip.vision.attention.head_count');
  const config: TowerConfig = {
    hidden,
    intermediate: requireNumber(gguf, 'clip.vision.feed_forward_length'),
    layers: requireNumber(gguf, 'clip.vision.block_count'),
    heads,
    headDim: hidden / heads,
    channels: 3,
    patchSize: requireNumber(gguf, 'clip.vision.patch_size'),
    maxImageSize: requireNumber(gguf, 'clip.vision.image_size'),
    ropeTheta: optionalNumber(gguf, 'clip.rope.freq_base') ?? 10_000,
    normEps: requireNumber(gguf, 'clip.vision.attention.layer_norm_epsilon'),
    outputDim: requireNumber(gguf, 'clip.vision.projection_dim'),
    spatialMergeSize: optionalNumber(gguf, 'clip.vision.spatial_merge_size') ?? 1,
    projectorNorm: gguf.tensors.has('mm.input_norm.weight'),
    adapterBias: gguf.tensors.has('mm.1.bias'),
  };
  checkNumbers(gguf.path, config);
  for (const tensor of towerTensors(config)) checkTensor(gguf, tensor);
  return config;
}

/** Every tensor of the tower, the patch merger and the adapter. */
export function towerTensors(config: TowerConfig): TowerTensor[] {
  const { hidden, intermediate, outputDim, patchSize, channels, spatialMergeSize } = config;
  const tensors: TowerTensor[] = [
    { name: 'v.patch_embd.weight', dims: [patchSize, patchSize, channels, hidden] },
    { name: 'v.pre_ln.weight', dims: [hidden] },
  ];
  for (let layer = 0; layer < config.layers; layer++) {
    const block = `v.blk.${layer}`;
    tensors.push(
      { name: `${block}.ln1.weight`, dims: [hidden] },
      { name: `${block}.attn_q.weight`, dims: [hidden, hidden] },
      { name: `${block}.attn_k.weight`, dims: [hidden, hidden] },
      { name: `${block}.attn_v.weight`, dims: [hidden, hidden] },
      { name: `${block}.attn_out.weight`, dims: [hidden, hidden] },
      { name: `${block}.ln2.weight`, dims: [hidden] },
      { name: `${block}.ffn_gate.weight`, dims: [hidden, intermediate] },
      { name: `${block}.ffn_up.weight`, dims: [hidden, intermediate] },
      { name: `${block}.ffn_down.weight`, dims: [intermediate, hidden] },
    );
  }
  if (config.projectorNorm) tensors.push({ name: 'mm.input_norm.weight', dims: [hidden] });
  if (spatialMergeSize > 1) {
    tensors.push({ name: 'mm.patch_merger.weight', dims: [hidden * spatialMergeSize ** 2, hidden] });
  }
  tensors.push(
    { name: 'mm.1.weight', dims: [hidden, outputDim] },
    { name: 'mm.2.weight', dims: [outputDim, outputDim] },
  );
  if (config.adapterBias) {
    tensors.push({ name: 'mm.1.bias', dims: [outputDim] }, { name: 'mm.2.bias', dims: [outputDim] });
  }
  return tensors;
}

/** Largest value that any model of the family comes near; a corrupt header must not size an allocation. */
const limits: Partial<Record<keyof TowerConfig, number>> = {
  hidden: 65_536,
  intermediate: 262_144,
  layers: 512,
  heads: 1024,
  patchSize: 256,
  maxImageSize: 16_384,
  outputDim: 65_536,
  spatialMergeSize: 16,
};

function checkNumbers(path: string, config: TowerConfig): void {
  for (const [name, value] of Object.entries(config)) {
    if (typeof value !== 'number') continue;
    const limit = Object.entries(limits).find(([key]) => key === name)?.[1] ?? Number.MAX_VALUE;
    if (!(value > 0 && value <= limit)) {
      throw new PixtralError('model', `${path}: vision ${name} is ${value}, expected above 0 and at most ${limit}`);
    }
  }
  // 2-D RoPE turns pairs of components, half of them by row and half by column.
  if (!Number.isInteger(config.headDim) || config.headDim % 4 !== 0) {
    throw new PixtralError(
      'model',
      `${path}: ${config.hidden} wide with ${config.heads} heads, expected heads of a multiple of 4`,
    );
  }
}

function checkTensor(gguf: Gguf, { name, dims }: TowerTensor): void {
  const found = gguf.tensors.get(name);
  if (!found) {
    throw new PixtralError('model', `${gguf.path}: tensor ${name} is missing`, {
      hint: 'convert the checkpoint again with pixtral convert',
    });
  }
  const shape = [...found.dims];
  while (shape.length > dims.length && shape.at(-1) === 1) shape.pop();
  if (shape.join() !== dims.join()) {
    throw new PixtralError(
      'model',
      `${gguf.path}: tensor ${name} is ${found.dims.join('x')}, expected ${dims.join('x')}`,
    );
  }
}
