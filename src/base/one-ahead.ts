/** Prepares the next item while the one before is worked on, and never more than that. `prepare` must not reject. */
export async function* oneAhead<T, R>(items: Iterable<T>, prepare: (item: T) => Promise<R>): AsyncGenerator<R, void> {
  let ahead: Promise<R> | undefined;
  for (const item of items) {
    const ready = ahead;
    ahead = prepare(item);
    if (ready) yield await ready;
  }
  if (ahead) yield await ahead;
}
