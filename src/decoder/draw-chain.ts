import type { TokenMask } from '../grammar/token-masks.ts';
import { type Pointer, callAsync } from '../native/bind.ts';
import { Candidates } from '../native/candidates.ts';
import { Handles } from '../native/handles.ts';
import type { Logits } from './logits.ts';
import type { DecoderModel } from './model.ts';
import { nucleus } from './nucleus.ts';
import { type Samplers, type SamplingOptions, penaltyWindow, samplers } from './samplers.ts';

/** More are found faster by llama.cpp, which then sorts by buckets. */
const mostLargest = 128;
/** From fewer tokens llama.cpp draws sooner than a vocabulary is looked through. */
const fewAllowed = 1024;

const allChains = ['largest', 'nucleus', 'draws'] as const satisfies readonly (keyof Samplers)[];

/**
 * llama.cpp's samplers one behind the other, the last of which draws. Going through a whole vocabulary costs them a
 * hundred times as much as drawing from what they leave of it: where that can be told for sure, they are given no more.
 */
export class DrawChain {
  readonly #model: DecoderModel;
  readonly #options: SamplingOptions;
  readonly #handles = new Handles();
  readonly #chains: Record<keyof Samplers, Pointer>;
  readonly #candidates: Candidates;
  /** The last ids, where there are penalties for them. */
  readonly #penalised: number[] = [];
  #isDrawn = false;

  constructor(model: DecoderModel, options: SamplingOptions) {
    this.#model = model;
    this.#options = options;
    this.#candidates = new Candidates(model.config.vocabularySize);
    const { largest, nucleus: likeliest, draws } = samplers(model, options);
    this.#chains = { largest: this.#chain(largest), nucleus: this.#chain(likeliest), draws: this.#chain(draws) };
  }

  /** Draws in a thread of its own what `draw` tells: several chains take no longer than one where there are cores. */
  async drawAhead(logits: Float32Array): Promise<void> {
    if (this.isGreedy) return; // no work that would be worth a thread
    if (!this.#drawFromFew(this.#look(logits))) {
      this.#candidates.fill(logits);
      const { samplerApply } = this.#model.native.llama;
      for (const name of allChains) await callAsync(samplerApply, this.#chains[name], this.#candidates.header);
    }
    this.#isDrawn = true;
  }

  /** Draws from all tokens. */
  draw(logits: Float32Array): number {
    const likeliest = this.isGreedy ? this.#look(logits).largest(1)[0] : undefined;
    if (likeliest !== undefined) return likeliest;
    if (!this.#isDrawn && !this.#drawFromFew(this.#look(logits))) {
      this.#candidates.fill(logits);
      this.#apply(allChains);
    }
    this.#isDrawn = false;
    return this.#candidates.selectedId;
  }

  /** Draws from those whose bit is set in a mask; undefined where none is. */
  drawAllowed(logits: Float32Array, mask: TokenMask): number | undefined {
    if (this.isGreedy) return likeliestAllowed(this.#penalised.length === 0 ? logits : this.#look(logits).values, mask);
    const count = countAllowed(mask);
    if (count === 0) return undefined;
    if (count <= fewAllowed || !this.#drawFromFew(this.#look(logits, mask))) {
      this.#candidates.fillAllowed(logits, mask);
      this.#apply(allChains);
    }
    return this.#candidates.selectedId;
  }

  /** Takes a token for penalties, drawn or not. */
  accept(id: number): void {
    for (const chain of Object.values(this.#chains)) this.#model.native.llama.samplerAccept(chain, id);
    if (this.#options.repeatPenalty === 1) return;
    if (this.#penalised.push(id) > penaltyWindow) this.#penalised.shift();
  }

  close(): void {
    this.#handles.close();
  }

  /** Nothing but the largest logit counts. */
  get isGreedy(): boolean {
    return this.#options.temperature === 0;
  }

  #chain(those: readonly (Pointer | null)[]): Pointer {
    const { llama } = this.#model.native;
    const made = llama.samplerChainInit(llama.samplerChainDefaultParams());
    const chain = this.#handles.own('a sampler', made, (handle) => llama.samplerFree(handle));
    for (const sampler of those) llama.samplerChainAdd(chain, sampler);
    return chain;
  }

  /** The logits with penalties, as llama.cpp computes them, none but those whose bit is set in a mask. */
  #look(logits: Float32Array, mask?: TokenMask): Logits {
    if (!mask && this.#penalised.length === 0) return this.#model.logits.take(logits);
    const penalty = Math.fround(this.#options.repeatPenalty);
    return this.#model.changedLogits.take(logits, (values) => {
      for (const id of new Set(this.#penalised)) {
        const logit = values[id]!;
        values[id] = logit <= 0 ? logit * penalty : logit / penalty;
      }
      if (mask) forbidOthers(values, mask);
    });
  }

  /** Draws from what the first samplers would leave. False where it is not sure which tokens these are. */
  #drawFromFew(looked: Logits): boolean {
    const ids = whatIsLeft(looked, this.#options);
    if (!ids) return false;
    this.#candidates.fillThese(looked.values, ids);
    this.#apply(this.#options.topK > 0 ? ['nucleus', 'draws'] : ['draws']);
    return true;
  }

  #apply(names: readonly (keyof Samplers)[]): void {
    for (const name of names) this.#model.native.llama.samplerApply(this.#chains[name], this.#candidates.header);
  }
}

/** Ids of what the first of the samplers that are asked for leaves, in its order, or a few more of those that it looks at. */
function whatIsLeft(logits: Logits, { topK, topP, minP }: SamplingOptions): number[] | undefined {
  if (topK > 0) return theLargest(logits, topK);
  if (topP < 1) return nucleus(logits, topP);
  if (minP === 0) return undefined;
  const { max } = logits;
  const rounding = 1e-6 * (1 + Math.abs(max));
  return logits.from(max + Math.log(minP) - rounding);
}

/** Undefined where two are equal: it depends on all the others which of them are left, and in which order. */
function theLargest(logits: Logits, topK: number): number[] | undefined {
  if (topK > mostLargest) return undefined;
  const ids = logits.largest(topK + 1);
  const { values } = logits;
  const areDifferent = ids.every((id, at) => at === 0 || values[id]! < values[ids[at - 1]!]!);
  return ids.length > topK && areDifferent ? ids.slice(0, topK) : undefined;
}

function countAllowed(mask: TokenMask): number {
  let count = 0;
  for (let word = 0; word < mask.length; word++) for (let bits = mask[word]! | 0; bits !== 0; bits &= bits - 1) count++;
  return count;
}

function forbidOthers(values: Float32Array, mask: TokenMask): void {
  for (let word = 0; word < mask.length; word++) {
    const bits = mask[word]!;
    const start = word * 32;
    if (bits === 0) values.fill(-Infinity, start, start + 32);
    else if (bits !== 0xffff_ffff) {
      const end = Math.min(values.length, start + 32);
      for (let id = start; id < end; id++) if (((bits >>> (id - start)) & 1) === 0) values[id] = -Infinity;
    }
  }
}

/** The first of those with the largest logit, as llama.cpp's greedy sampler chooses. */
function likeliestAllowed(logits: Float32Array, mask: TokenMask): number | undefined {
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
