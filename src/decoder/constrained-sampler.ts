import { PixtralError } from '../base/errors.ts';
import type { Pointer } from '../native/bind.ts';
import { Candidates } from '../native/candidates.ts';
import { Handles } from '../native/handles.ts';
import type { DecoderModel } from './model.ts';
import { type SamplingOptions, samplerChain } from './sampler.ts';
import type { Sequence } from './sequence.ts';

/** What may come next besides what the grammar says: the grammar sees characters, this sees ids. */
export interface TokenFilter {
  /** Ids that may never come: control tokens have a name, which a grammar would take for text. */
  never: readonly number[];
  allows(id: number): boolean;
  /** Takes an id that was allowed for chosen. */
  accept(id: number): void;
}

export interface ConstraintOptions {
  sampling: SamplingOptions;
  /** GBNF that is known to be right: see grammar/check.ts. */
  grammar: string;
  filter: TokenFilter;
  /**
   * Sees the logits of each step, [vocabulary], -Infinity for what is not allowed, before a token is drawn from them.
   * It makes every step pay for the grammar over the whole vocabulary.
   */
  onAllowed?: ((logits: Float32Array) => void) | undefined;
}

/** Draws tokens of a grammar only. */
export class ConstrainedSampler {
  readonly #model: DecoderModel;
  readonly #options: ConstraintOptions;
  readonly #handles = new Handles();
  readonly #chain: Pointer;
  readonly #grammar: Pointer;
  readonly #candidates: Candidates;

  /** @throws PixtralError `input` when llama.cpp refuses the grammar */
  constructor(model: DecoderModel, options: ConstraintOptions) {
    const { llama } = model.native;
    this.#model = model;
    this.#options = options;
    this.#candidates = new Candidates(model.config.vocabularySize);
    const grammar = llama.samplerGrammar(model.vocab, options.grammar, 'root');
    if (grammar === null) throw new PixtralError('input', `grammar: ${model.native.lastError() ?? 'does not parse'}`);
    this.#grammar = this.#handles.own('a grammar', grammar, (made) => llama.samplerFree(made));
    this.#chain = samplerChain(model, { sampling: options.sampling, handles: this.#handles });
  }

  /**
   * Draws the next token from the logits after a sequence, and remembers it. The grammar over the whole vocabulary
   * costs far more than over one token, so the draw comes first: if the grammar allows it, it stands, as most do; else
   * the next draw is from what the grammar allows. Greedy is exactly the likeliest token that fits; a random draw has the
   * distribution of the allowed tokens (p + (1 - sum) p / sum = p / sum), but for what top-k, top-p and min-p cut off.
   */
  sample(sequence: Sequence): number {
    const logits = sequence.logits();
    const first = this.#draw(logits);
    const fits = this.#fits(first);
    if (fits && !this.#options.onAllowed) return this.#accept(first);
    const allowed = this.#allowedLogits(logits);
    this.#options.onAllowed?.(allowed);
    if (fits) return this.#accept(first); // whoever watches gets the answer that comes unwatched
    for (;;) {
      if (!allowed.some((logit) => logit > -Infinity)) throw deadEnd();
      const id = this.#draw(allowed);
      if (allowed[id]! > -Infinity && this.#options.filter.allows(id)) return this.#accept(id);
      allowed[id] = -Infinity;
    }
  }

  /** Whether the text is whole and nothing but its end may follow. */
  isFinished(): boolean {
    const allowed = this.#allowedLogits(new Float32Array(this.#model.config.vocabularySize));
    return allowed.every((logit, id) => logit === -Infinity || this.#model.endsGeneration(id));
  }

  close(): void {
    this.#handles.close();
  }

  #draw(logits: Float32Array): number {
    this.#candidates.fill(logits);
    this.#model.native.llama.samplerApply(this.#chain, this.#candidates.header);
    return this.#candidates.selectedId;
  }

  #fits(id: number): boolean {
    const { filter } = this.#options;
    if (filter.never.includes(id) || !filter.allows(id)) return false;
    this.#candidates.only(id);
    this.#model.native.llama.samplerApply(this.#grammar, this.#candidates.header);
    return this.#candidates.firstIsAllowed;
  }

  #allowedLogits(logits: Float32Array): Float32Array {
    this.#candidates.fill(logits);
    this.#model.native.llama.samplerApply(this.#grammar, this.#candidates.header);
    const allowed = this.#candidates.logits();
    for (const id of this.#options.filter.never) allowed[id] = -Infinity;
    return allowed;
  }

  #accept(id: number): number {
    const { llama } = this.#model.native;
    llama.samplerAccept(this.#grammar, id);
    llama.samplerAccept(this.#chain, id);
    this.#options.filter.accept(id);
    return id;
  }
}

/** Accepting any token now would end the process. */
function deadEnd(): PixtralError {
  return new PixtralError('input', 'grammar: no token of this model goes on from here', {
    hint: 'the grammar asks for characters that cannot be written, or for nothing at all',
  });
}
