import { PixtralError } from '../base/errors.ts';
import type { Matcher } from '../grammar/matcher.ts';
import { type TokenMask, isAllowed } from '../grammar/token-masks.ts';
import { DrawChain } from './draw-chain.ts';
import type { DecoderModel } from './model.ts';
import type { SamplingOptions } from './samplers.ts';
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
  readonly #options: ConstraintOptions;
  readonly #chain: DrawChain;

  constructor(model: DecoderModel, options: ConstraintOptions) {
    this.#options = options;
    this.#chain = new DrawChain(model, options.sampling);
  }

  /** What of `sample` can be done in a thread of its own. */
  async drawAhead(sequence: Sequence): Promise<void> {
    await this.#chain.drawAhead(sequence.logits());
  }

  /**
   * Draws the next token from the logits after a sequence, and remembers it. The first draw is from all tokens; if the
   * grammar allows it, it stands, else the next one is from those that it allows. Greedy is exactly the likeliest token
   * that fits; a random draw has the distribution of the allowed tokens (p + (1 - sum) p / sum = p / sum), but for what
   * top-k, top-p and min-p cut off.
   */
  sample(sequence: Sequence): number {
    const { matcher, onAllowed } = this.#options;
    const logits = sequence.logits();
    const mask = matcher.mask();
    onAllowed?.(mask);
    const first = this.#chain.isGreedy ? undefined : this.#chain.draw(logits);
    const id = first !== undefined && isAllowed(mask, first) ? first : this.#chain.drawAllowed(logits, mask);
    if (id === undefined) throw deadEnd();
    this.append(id);
    return id;
  }

  /** Takes a token that was not drawn, since nothing else may come: it counts for penalties as if it had been. */
  append(id: number): void {
    this.#chain.accept(id);
    this.#options.matcher.accept(id);
  }

  close(): void {
    this.#chain.close();
  }
}

function deadEnd(): PixtralError {
  return new PixtralError('input', 'grammar: no token of this model goes on from here', {
    hint: 'the grammar asks for characters that cannot be written, or for nothing at all',
  });
}
