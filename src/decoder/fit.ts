import { type Gguf, weightBytes } from '../gguf/types.ts';
import { type CacheType, cacheTypes } from './cache-types.ts';
import type { DecoderConfig } from './config.ts';

/** Bytes that a decoder needs, by kind. */
export interface MemoryNeed {
  weights: number;
  cache: number;
  /** Activations and logits of one batch: an estimate. */
  compute: number;
}

/** Bytes of the KV cache of `tokens` tokens over all layers: keys and values of every KV head. */
export function cacheBytes(config: DecoderConfig, tokens: number, type: CacheType): number {
  return config.layers * 2 * config.kvHeads * config.headDim * tokens * cacheTypes[type].bytesPerValue;
}

/** What a context is to hold. */
export interface ContextShape {
  /** Tokens of each sequence. */
  contextSize: number;
  sequences: number;
  cacheType: CacheType;
  batchSize: number;
}

/** What the whole decoder needs with a context of that shape. */
export function memoryNeed({ gguf, config }: { gguf: Gguf; config: DecoderConfig }, shape: ContextShape): MemoryNeed {
  return { weights: weightBytes(gguf), cache: shapeBytes(config, shape), compute: computeBytes(config, shape) };
}

/**
 * Layers that fit into `freeBytes` of a device, the output layer counted as one more, as llama.cpp counts
 * `n_gpu_layers`. Each layer brings its weights and its share of the KV cache.
 */
export function layersThatFit(
  { gguf, config }: { gguf: Gguf; config: DecoderConfig },
  { freeBytes, ...shape }: ContextShape & { freeBytes: number },
): number {
  const cachePerLayer = shapeBytes(config, shape) / config.layers;
  let left = freeBytes - computeBytes(config, shape);
  // llama.cpp offloads from the last layer down, and the output layer before any of them needs its weights there.
  for (let count = 0; count < config.layers; count++) {
    left -= layerBytes(gguf, config.layers - 1 - count) + cachePerLayer;
    if (left < 0) return count;
  }
  const output = gguf.tensors.get('output.weight') ?? gguf.tensors.get('token_embd.weight');
  return left >= (output?.byteLength ?? 0) ? config.layers + 1 : config.layers;
}

function layerBytes(gguf: Gguf, layer: number): number {
  const prefix = `blk.${layer}.`;
  let bytes = 0;
  for (const tensor of gguf.tensors.values()) if (tensor.name.startsWith(prefix)) bytes += tensor.byteLength;
  return bytes;
}

function shapeBytes(config: DecoderConfig, { contextSize, sequences, cacheType }: ContextShape): number {
  return cacheBytes(config, contextSize * sequences, cacheType);
}

/** f32 activations of a batch: a few rows of the widest layers, and logits for one token of each sequence. */
function computeBytes(
  { dim, hiddenDim, heads, headDim, vocabularySize }: DecoderConfig,
  { batchSize, sequences }: ContextShape,
): number {
  const perToken = 4 * (6 * dim + 3 * hiddenDim + 3 * heads * headDim);
  return batchSize * perToken + 8 * vocabularySize * sequences + 64 * 1024 * 1024;
}
