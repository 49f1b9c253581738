import { DrawChain } from './draw-chain.ts';
import type { DecoderModel } from './model.ts';
import type { SamplingOptions } from './samplers.ts';
import type { Sequence } from './sequence.ts';

/** Draws tokens of any kind. */
export class Sampler {
  readonly #chain: DrawChain;

  constructor(model: DecoderModel, options: SamplingOptions) {
    this.#chain = new DrawChain(model, options);
  }

  /** What of `sample` can be done in a thread of its own. */
  async drawAhead(sequence: Sequence): Promise<void> {
    await this.#chain.drawAhead(sequence.logits());
  }

  /** Draws the next token from the logits after a sequence, and remembers it. */
  sample(sequence: Sequence): number {
    const id = this.#chain.draw(sequence.logits());
    this.#chain.accept(id);
    return id;
  }

  close(): void {
    this.#chain.close();
  }
}
