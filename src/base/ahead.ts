/** Prepares up to `count` items while those before are worked on, in their order. `prepare` must not reject. */
export async function* ahead<T, R>(
  items: Iterable<T>,
  { count, prepare }: { count: number; prepare: (item: T) => Promise<R> },
): AsyncGenerator<R, void> {
  const prepared: Promise<R>[] = [];
  for (const item of items) {
    prepared.push(prepare(item));
    if (prepared.length > count) yield await prepared.shift()!;
  }
  for (const ready of prepared) yield await ready;
}
