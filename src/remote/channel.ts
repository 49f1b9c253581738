/** What several push and one takes, in the order in which it came. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #end: { reason: unknown } | 'well' | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#end ??= 'well';
    this.#wake?.();
  }

  /** Whoever takes gets what was pushed before, and then this. */
  fail(reason: unknown): void {
    this.#end ??= { reason };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift()!;
      if (this.#end === 'well') return;
      if (this.#end) throw this.#end.reason;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
