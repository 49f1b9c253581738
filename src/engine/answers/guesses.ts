import { Phrases } from './phrases.ts';

/** Of a text that repeats itself more would be right, but no call is worth so much. */
const mostGuesses = 12;
/** How much one guess that was right or wrong counts beside all before it. */
const weight = 0.05;
const usual = 0.5;

/** What all answers of an engine have in common: what was written before, and how often guesses were right. */
export class GuessedBefore {
  readonly phrases = new Phrases();
  /** Of a guess whose forerunners were right. */
  rightness = usual;

  wasRight(isRight: boolean): void {
    this.rightness += weight * ((isRight ? 1 : 0) - this.rightness);
  }
}

/**
 * Guesses how an answer goes on: as its prompt, itself or an earlier answer went on behind the same ids. A guess costs
 * little in a call that is made anyway, and changes no answer: each token is drawn from the model's own logits, and only
 * one that was guessed right is there already.
 */
export class Guesses {
  readonly #before: GuessedBefore;
  readonly #own = new Phrases();
  readonly #answer: number[] = [];
  /** Behind what was drawn last. */
  ids: readonly number[] = [];

  constructor(before: GuessedBefore, prompt: readonly number[]) {
    this.#before = before;
    this.#own.addText(prompt);
  }

  /** More of the answer; `most` ids have room behind it. */
  add(ids: readonly number[], most: number): void {
    this.#answer.push(...ids);
    this.#own.add(ids);
    const { end } = this.#own;
    const count = Math.max(0, Math.min(most, mostGuesses));
    const found = this.#own.after(end, count);
    this.ids = found.length > 0 ? found : this.#before.phrases.after(end, count);
  }

  /** How likely each guess and all before it are right. */
  get likelihoods(): number[] {
    return this.ids.map((_, at) => this.#before.rightness ** (at + 1));
  }

  /** How many of those that the last call took were right; of none nothing is learned, and they are tried again in a while. */
  learn({ tried, right }: { tried: number; right: number }): void {
    if (tried === 0 && this.ids.length > 0) this.#before.rightness += (usual - this.#before.rightness) / 500;
    for (let at = 0; at < Math.min(tried, right + 1); at++) this.#before.wasRight(at < right);
  }

  /** Other answers may go on like it. */
  close(): void {
    this.#before.phrases.addText(this.#answer);
  }
}
