import type { Pointer } from '../native/bind.ts';
import type { DecoderModel } from './model.ts';

export interface SamplingOptions {
  /** 0 is greedy: the most likely token, always the same. */
  temperature: number;
  /** 1 turns it off. */
  topP: number;
  /** 0 turns it off. */
  topK: number;
  /** 0 turns it off. */
  minP: number;
  /** Unsigned 32 bits. */
  seed: number;
  /** 1 turns it off. */
  repeatPenalty: number;
}

/** Tokens that the repeat penalty looks back on: llama.cpp's own default. */
export const penaltyWindow = 64;

/** Samplers of llama.cpp, each to be applied to what the ones before it left. */
export interface Samplers {
  /** Penalties, and the likeliest by number. */
  largest: (Pointer | null)[];
  /** The likeliest by what their probabilities add up to. */
  nucleus: (Pointer | null)[];
  /** What compares the rest with each other, and draws one. */
  draws: (Pointer | null)[];
}

/** In llama.cpp's usual order: penalties, top-k, top-p, min-p, temperature, draw. */
export function samplers(
  { native: { llama }, config }: DecoderModel,
  { temperature, topP, topK, minP, seed, repeatPenalty }: SamplingOptions,
): Samplers {
  const penalties =
    repeatPenalty === 1 ? [] : [llama.samplerPenalties(config.vocabularySize, penaltyWindow, repeatPenalty, 0, 0)];
  if (temperature === 0) return { largest: penalties, nucleus: [], draws: [llama.samplerGreedy()] };
  return {
    largest: [...penalties, ...(topK > 0 ? [llama.samplerTopK(topK)] : [])],
    nucleus: topP < 1 ? [llama.samplerTopP(topP, 1)] : [],
    draws: [
      ...(minP > 0 ? [llama.samplerMinP(minP, 1)] : []),
      llama.samplerTemperature(temperature),
      llama.samplerDist(seed),
    ],
  };
}
