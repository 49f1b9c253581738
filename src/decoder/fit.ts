import type { Gguf } from '../gguf/types.ts';
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

/** What the whole decoder needs with a context of `contextSize` tokens. */
export function memoryNeed(
  { gguf, config }: { gguf: Gguf; config: DecoderConfig },
  { contextSize, cacheType, batchSize }: { contextSize: number; cacheType: CacheType; batchSize: number },
): MemoryNeed {
  let weights = 0;
  for (const tensor of gguf.tensors.values()) weights += tensor.byteLength;
  return { weights, cache: cacheBytes(config, contextSize, cacheType), compute: computeBytes(config, batchSize) };
}

/**
 * Layers that fit into `freeBytes` of a device, the output layer counted as one more, as llama.cpp counts
 * `n_gpu_layers`. Each layer brings its weights and its share of the KV cache.
 */
export function layersThatFit(
  { gguf, config }: { gguf: Gguf; config: DecoderConfig },
  options: { freeBytes: number; contextSize: number; cacheType: CacheType; batchSize: number },
): number {
  const cachePerLayer = cacheBytes(config, options.contextSize, options.cacheType) / config.layers;
  let left = options.freeBytes - computeBytes(config, options.batchSize);
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

/** f32 activations of a batch: a few rows of the widest layers, and logits for one token. */
function computeBytes({ dim, hiddenDim, heads, headDim, vocabularySize }: DecoderConfig, batchSize: number): number {
  const perToken = 4 * (6 * dim + 3 * hiddenDim + 3 * heads * headDim);
  return batchSize * perToken + 8 * vocabularySize + 64 * 1024 * 1024;
}
