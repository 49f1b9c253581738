import type { ModelConfig } from './types.ts';

/** A tensor that the converted pair holds, whatever the layout it comes from. */
export interface CanonicalTensor {
  /** GGUF name (llama.cpp's gguf-py/gguf/constants.py). */
  gguf: string;
  /** PyTorch order. */
  shape: number[];
  /** `blk.N.attn_q.weight` for every N: the key of the layouts' name tables. */
  pattern: string;
  layer: number;
}

type Shapes = Record<string, number[]>;

/** Every tensor that a checkpoint of this config must hold, in the order in which they are written. */
export function canonicalTensors(config: ModelConfig): CanonicalTensor[] {
  const { text, vision } = config;
  return [
    ...once(textStart(config)),
    ...repeated(text.layers, textLayer(config)),
    ...once(textEnd(config)),
    ...once(visionStart(config)),
    ...repeated(vision.layers, visionLayer(config)),
    ...once(adapter(config)),
  ];
}

function once(shapes: Shapes): CanonicalTensor[] {
  return Object.entries(shapes).map(([pattern, shape]) => ({ gguf: pattern, shape, pattern, layer: 0 }));
}

function repeated(layers: number, shapes: Shapes): CanonicalTensor[] {
  return Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
    Object.entries(shapes).map(([pattern, shape]) => ({ gguf: nameAt(pattern, layer), shape, pattern, layer })),
  );
}

/** A name pattern's `N` replaced by the layer's number. */
export function nameAt(pattern: string, layer: number): string {
  return pattern.replace('.N.', `.${layer}.`);
}

function textStart({ text }: ModelConfig): Shapes {
  return { 'token_embd.weight': [text.vocabularySize, text.dim] };
}

function textLayer({ text: { dim, heads, kvHeads, headDim, hiddenDim } }: ModelConfig): Shapes {
  return {
    'blk.N.attn_norm.weight': [dim],
    'blk.N.attn_q.weight': [heads * headDim, dim],
    'blk.N.attn_k.weight': [kvHeads * headDim, dim],
    'blk.N.attn_v.weight': [kvHeads * headDim, dim],
    'blk.N.attn_output.weight': [dim, heads * headDim],
    'blk.N.ffn_norm.weight': [dim],
    'blk.N.ffn_gate.weight': [hiddenDim, dim],
    'blk.N.ffn_up.weight': [hiddenDim, dim],
    'blk.N.ffn_down.weight': [dim, hiddenDim],
  };
}

function textEnd({ text }: ModelConfig): Shapes {
  const norm: Shapes = { 'output_norm.weight': [text.dim] };
  return text.tiedEmbeddings ? norm : { ...norm, 'output.weight': [text.vocabularySize, text.dim] };
}

function visionStart({ vision: { hiddenSize, channels, patchSize } }: ModelConfig): Shapes {
  return {
    'v.patch_embd.weight': [hiddenSize, channels, patchSize, patchSize],
    'v.pre_ln.weight': [hiddenSize],
  };
}

function visionLayer({ vision: { hiddenSize, intermediateSize } }: ModelConfig): Shapes {
  return {
    'v.blk.N.ln1.weight': [hiddenSize],
    'v.blk.N.attn_q.weight': [hiddenSize, hiddenSize],
    'v.blk.N.attn_k.weight': [hiddenSize, hiddenSize],
    'v.blk.N.attn_v.weight': [hiddenSize, hiddenSize],
    'v.blk.N.attn_out.weight': [hiddenSize, hiddenSize],
    'v.blk.N.ln2.weight': [hiddenSize],
    'v.blk.N.ffn_gate.weight': [intermediateSize, hiddenSize],
    'v.blk.N.ffn_up.weight': [intermediateSize, hiddenSize],
    'v.blk.N.ffn_down.weight': [hiddenSize, intermediateSize],
  };
}

function adapter({ text: { dim }, vision }: ModelConfig): Shapes {
  const { hiddenSize, spatialMergeSize, projectorNorm, adapterBias } = vision;
  const merged = hiddenSize * spatialMergeSize ** 2;
  return {
    ...(projectorNorm ? { 'mm.input_norm.weight': [hiddenSize] } : {}),
    ...(spatialMergeSize > 1 ? { 'mm.patch_merger.weight': [hiddenSize, merged] } : {}),
    'mm.1.weight': [dim, hiddenSize],
    ...(adapterBias ? { 'mm.1.bias': [dim] } : {}),
    'mm.2.weight': [dim, dim],
    ...(adapterBias ? { 'mm.2.bias': [dim] } : {}),
  };
}
