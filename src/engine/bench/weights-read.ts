import type { CacheType } from '../../decoder/cache-types.ts';
import type { DecoderConfig } from '../../decoder/config.ts';
import { cacheBytes } from '../../decoder/fit.ts';
import type { Gguf } from '../../gguf/types.ts';

/** Bytes of the decoder that every step reads: all but the table of embeddings, of which a step takes a row. */
export function weightsRead({ tensors, metadata }: Gguf): number {
  // Without an output matrix of its own the table is that, too.
  const isTied = !tensors.has('output.weight');
  const share = expertShare(metadata);
  let bytes = 0;
  for (const { name, byteLength } of tensors.values()) {
    if (name === 'token_embd.weight' && !isTied) continue;
    bytes += /_exps\./.test(name) ? byteLength * share : byteLength;
  }
  return bytes;
}

/** Of a mixture's experts, the part that a token uses. */
function expertShare(metadata: Gguf['metadata']): number {
  const count = (key: string): number | undefined => {
    for (const [name, value] of metadata) {
      if (name.endsWith(key) && value.type === 'u32') return value.value;
    }
    return undefined;
  };
  const [used, all] = [count('.expert_used_count'), count('.expert_count')];
  return used === undefined || all === undefined || all === 0 ? 1 : used / all;
}

/** Tokens a second that so much memory traffic allows, when so many sequences take a step together. */
export function decodeLimit(options: {
  /** Bytes a second. */
  bandwidth: number;
  weights: number;
  sequences: number;
  /** Tokens that each sequence holds. */
  length: number;
  config: DecoderConfig;
  cacheType: CacheType;
}): number {
  const { bandwidth, weights, sequences, length, config, cacheType } = options;
  return (bandwidth * sequences) / (weights + sequences * cacheBytes(config, length, cacheType));
}
