import { type Pointer, callAsync } from '../native/bind.ts';
import { Candidates } from '../native/candidates.ts';
import { Handles } from '../native/handles.ts';
import type { DecoderModel } from './model.ts';
import { type SamplingOptions, samplers } from './samplers.ts';

/** More are found faster by llama.cpp, which then sorts by buckets. */
const mostLargest = 128;

/** llama.cpp's samplers one behind the other, the last of which draws. */
export class DrawChain {
  readonly #model: DecoderModel;
  readonly #options: SamplingOptions;
  readonly #handles = new Handles();
  readonly #chain: Pointer;
  readonly #candidates: Candidates;
  #isDrawn = false;

  constructor(model: DecoderModel, options: SamplingOptions) {
    const { llama } = model.native;
    this.#model = model;
    this.#options = options;
    this.#candidates = new Candidates(model.config.vocabularySize);
    const chain = llama.samplerChainInit(llama.samplerChainDefaultParams());
    this.#chain = this.#handles.own('a sampler', chain, (handle) => llama.samplerFree(handle));
    for (const sampler of samplers(model, options)) llama.samplerChainAdd(this.#chain, sampler);
  }

  /** Draws in a thread of its own what `draw` tells: several chains take no longer than one where there are cores. */
  async drawAhead(logits: Float32Array): Promise<void> {
    if (this.isGreedy) return; // no work that would be worth a thread
    if (this.#fillLargest(logits)) this.#apply();
    else {
      this.#candidates.fill(logits);
      await callAsync(this.#model.native.llama.samplerApply, this.#chain, this.#candidates.header);
    }
    this.#isDrawn = true;
  }

  /** Draws from all tokens. */
  draw(logits: Float32Array): number {
    if (!this.#isDrawn) {
      const likeliest = this.isGreedy ? this.#model.logits.take(logits).largest(1)[0] : undefined;
      if (likeliest !== undefined) return likeliest;
      if (!this.#fillLargest(logits)) this.#candidates.fill(logits);
      this.#apply();
    }
    this.#isDrawn = false;
    return this.#candidates.selectedId;
  }

  /** Draws from those whose bit is set in a mask; undefined where none is. */
  drawAllowed(logits: Float32Array, mask: Uint32Array): number | undefined {
    if (this.isGreedy) return likeliestAllowed(logits, mask);
    if (this.#candidates.fillAllowed(logits, mask) === 0) return undefined;
    this.#apply();
    return this.#candidates.selectedId;
  }

  /** Takes a token for penalties, drawn or not. */
  accept(id: number): void {
    this.#model.native.llama.samplerAccept(this.#chain, id);
  }

  close(): void {
    this.#handles.close();
  }

  /** Nothing but the largest logit counts. */
  get isGreedy(): boolean {
    return this.#options.temperature === 0 && this.#options.repeatPenalty === 1;
  }

  /**
   * Fills in nothing but what top-k, the first of the samplers, would leave: the same of the whole vocabulary costs a
   * hundred times as much. False where that is not sure to be the same: of equal logits it depends on all the others which
   * are left, and in which order.
   */
  #fillLargest(logits: Float32Array): boolean {
    const { topK, repeatPenalty } = this.#options;
    if (topK === 0 || topK > mostLargest || repeatPenalty !== 1) return false;
    const ids = this.#model.logits.take(logits).largest(topK + 1);
    const isSure = ids.length > topK && ids.every((id, at) => at === 0 || logits[id]! < logits[ids[at - 1]!]!);
    if (isSure) this.#candidates.fillThese(logits, ids.slice(0, topK));
    return isSure;
  }

  #apply(): void {
    this.#model.native.llama.samplerApply(this.#chain, this.#candidates.header);
  }
}

/** The first of those with the largest logit, as llama.cpp's greedy sampler chooses. */
function likeliestAllowed(logits: Float32Array, mask: Uint32Array): number | undefined {
  let best: number | undefined;
  let largest = -Infinity;
  for (let at = 0; at < mask.length; at++) {
    for (let word = mask[at]!, id = at * 32; word !== 0; word >>>= 1, id++) {
      if ((word & 1) === 0 || logits[id]! <= largest) continue;
      best = id;
      largest = logits[id]!;
    }
  }
  return best;
}
