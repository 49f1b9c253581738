/** Items as they come: whoever takes them can ask whether the next one is there, and has something else to do if not. */
export class Arrivals<T> {
  readonly #iterator: AsyncIterator<T, void>;
  #next: Promise<IteratorResult<T, void>>;
  #arrived: IteratorResult<T, void> | undefined;
  #failed = false;

  constructor(items: AsyncIterable<T>) {
    this.#iterator = items[Symbol.asyncIterator]() as AsyncIterator<T, void>;
    this.#next = this.#ask();
  }

  /** Whether `take` will not wait. */
  get isReady(): boolean {
    return this.#arrived !== undefined || this.#failed;
  }

  /** The next item, if it is there. */
  get next(): T | undefined {
    return this.#arrived?.done === true ? undefined : this.#arrived?.value;
  }

  /** Waits for the next item; undefined after the last one. */
  async take(): Promise<T | undefined> {
    const { done, value } = await this.#next;
    if (done === true) return undefined;
    this.#next = this.#ask();
    return value;
  }

  /** Whoever makes the items is told that no more are wanted. */
  close(): void {
    // Not waited for: it may be waiting for us.
    this.#iterator.return?.().catch(() => {});
  }

  #ask(): Promise<IteratorResult<T, void>> {
    this.#arrived = undefined;
    const asked = this.#iterator.next();
    asked.then(
      (arrived) => (this.#arrived = arrived),
      () => (this.#failed = true),
    );
    return asked;
  }
}
