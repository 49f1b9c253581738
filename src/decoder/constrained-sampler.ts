import { PixtralError } from '../base/errors.ts';
import type { Matcher } from '../grammar/matcher.ts';
import { type TokenMask, isAllowed } from '../grammar/token-masks.ts';
import type { Pointer } from '../native/bind.ts';
import { Candidates } from '../native/candidates.ts';
import { Handles } from '../native/handles.ts';
import type { DecoderModel } from './model.ts';
import { type SamplingOptions, samplerChain } from './sampler.ts';
import type { Sequence } from './sequence.ts';

export interface ConstraintOptions {
  sampling: SamplingOptions;
  /** The text as far as it is written; told of each token that is drawn. */
  matcher: Pick<Matcher, 'mask' | 'accept'>;
  /** Sees which tokens were allowed at each step, before one is drawn. */
  onAllowed?: ((mask: TokenMask) => void) | undefined;
}

/** Draws tokens of a grammar only. */
export class ConstrainedSampler {
  readonly #model: DecoderModel;
  readonly #options: ConstraintOptions;
  readonly #handles = new Handles();
  readonly #chain: Pointer;
  readonly #candidates: Candidates;

  constructor(model: DecoderModel, options: ConstraintOptions) {
    this.#model = model;
    this.#options = options;
    this.#candidates = new Candidates(model.config.vocabularySize);
    this.#chain = samplerChain(model, { sampling: options.sampling, handles: this.#handles });
  }

  /**
   * Draws the next token from the logits after a sequence, and remembers it. The first draw is from all tokens; if the
   * grammar allows it, it stands, else the next one is from those that it allows. Greedy is exactly the likeliest token
   * that fits; a random draw has the distribution of the allowed tokens (p + (1 - sum) p / sum = p / sum), but for what
   * top-k, top-p and min-p cut off.
   */
  sample(sequence: Sequence): number {
    const { matcher, sampling, onAllowed } = this.#options;
    const logits = sequence.logits();
    const mask = matcher.mask();
    onAllowed?.(mask);
    if (sampling.temperature === 0 && sampling.repeatPenalty === 1) return this.#accept(likeliest(logits, mask));
    this.#candidates.fill(logits);
    const first = this.#draw();
    if (isAllowed(mask, first)) return this.#accept(first);
    if (this.#candidates.fillAllowed(logits, mask) === 0) throw deadEnd();
    return this.#accept(this.#draw());
  }

  /** Takes a token that was not drawn, since nothing else may come: it counts for penalties as if it had been. */
  append(id: number): void {
    this.#accept(id);
  }

  close(): void {
    this.#handles.close();
  }

  #draw(): number {
    this.#model.native.llama.samplerApply(this.#chain, this.#candidates.header);
    return this.#candidates.selectedId;
  }

  #accept(id: number): number {
    this.#model.native.llama.samplerAccept(this.#chain, id);
    this.#options.matcher.accept(id);
    return id;
  }
}

/** The first of those with the largest logit, as llama.cpp's greedy sampler chooses. */
function likeliest(logits: Float32Array, mask: TokenMask): number {
  let best = -1;
  let largest = -Infinity;
  for (let at = 0; at < mask.length; at++) {
    for (let word = mask[at]!, id = at * 32; word !== 0; word >>>= 1, id++) {
      if ((word & 1) === 0 || logits[id]! <= largest) continue;
      best = id;
      largest = logits[id]!;
    }
  }
  if (best < 0) throw deadEnd();
  return best;
}

function deadEnd(): PixtralError {
  return new PixtralError('input', 'grammar: no token of this model goes on from here', {
    hint: 'the grammar asks for characters that cannot be written, or for nothing at all',
  });
}
