import type { Pointer } from '../native/bind.ts';
import { Handles } from '../native/handles.ts';
import type { DecoderModel } from './model.ts';
import type { Sequence } from './sequence.ts';

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
const penaltyWindow = 64;

/** A chain of llama.cpp's samplers. */
export class Sampler {
  readonly #chain: Pointer;
  readonly #handles = new Handles();
  readonly #model: DecoderModel;

  constructor(model: DecoderModel, options: SamplingOptions) {
    this.#model = model;
    this.#chain = samplerChain(model, { sampling: options, handles: this.#handles });
  }

  /** Draws the next token from the logits after a sequence, and remembers it. */
  sample(sequence: Sequence): number {
    const { llama } = this.#model.native;
    return llama.samplerSample(this.#chain, sequence.context.handle, sequence.logitsIndex());
  }

  close(): void {
    this.#handles.close();
  }
}

/** The samplers of `sampling` in one chain, in the care of `handles`. */
export function samplerChain(
  model: DecoderModel,
  { sampling, handles }: { sampling: SamplingOptions; handles: Handles },
): Pointer {
  const { llama } = model.native;
  const made = llama.samplerChainInit(llama.samplerChainDefaultParams());
  const chain = handles.own('a sampler', made, (handle) => llama.samplerFree(handle));
  for (const sampler of samplers(model, sampling)) llama.samplerChainAdd(chain, sampler);
  return chain;
}

/** In llama.cpp's usual order: penalties, top-k, top-p, min-p, temperature, draw. */
function samplers({ native: { llama }, config }: DecoderModel, options: SamplingOptions): (Pointer | null)[] {
  const { temperature, topP, topK, minP, seed, repeatPenalty } = options;
  const penalties =
    repeatPenalty === 1 ? [] : [llama.samplerPenalties(config.vocabularySize, penaltyWindow, repeatPenalty, 0, 0)];
  if (temperature === 0) return [...penalties, llama.samplerGreedy()];
  return [
    ...penalties,
    ...(topK > 0 ? [llama.samplerTopK(topK)] : []),
    ...(topP < 1 ? [llama.samplerTopP(topP, 1)] : []),
    ...(minP > 0 ? [llama.samplerMinP(minP, 1)] : []),
    llama.samplerTemperature(temperature),
    llama.samplerDist(seed),
  ];
}
