/** Ids that have to be the same for what came behind them to be expected again. */
const keyLength = 3;
/** Some 100 bytes each. */
const maxIds = 200_000;

/** Texts that were written or read, for whoever guesses how one goes on. */
export class Phrases {
  readonly #ids: number[] = [];
  /** By the ids before: the place of what came behind them the last time. */
  readonly #places = new Map<string, number>();
  #begin = 0;

  /** More of the text that was added last. */
  add(ids: readonly number[]): void {
    for (const id of ids) {
      const at = this.#ids.push(id) - 1;
      if (at - this.#begin >= keyLength) this.#places.set(this.#ids.slice(at - keyLength, at).join(), at);
    }
  }

  /** A text of its own. */
  addText(ids: readonly number[]): void {
    if (this.#ids.length > maxIds) {
      this.#ids.length = 0;
      this.#places.clear();
    }
    this.#begin = this.#ids.length;
    this.add(ids);
  }

  /** The last ids of the text that was added last, as many as `after` looks at. */
  get end(): number[] {
    return this.#ids.slice(Math.max(this.#begin, this.#ids.length - keyLength));
  }

  /** What came behind the end of a text the last time, at most `most` ids. */
  after(ids: readonly number[], most: number): number[] {
    const at = ids.length < keyLength ? undefined : this.#places.get(ids.slice(-keyLength).join());
    return at === undefined ? [] : this.#ids.slice(at, at + most);
  }
}
