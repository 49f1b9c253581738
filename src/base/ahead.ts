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

/**
 * The same for items that come when they come: what is prepared does not wait for the next one. Ends early, with what
 * is prepared, when `stop` fires.
 */
export async function* arrivingAhead<T, R>(
  items: AsyncIterable<T>,
  { count, prepare, stop }: { count: number; prepare: (item: T) => Promise<R>; stop: AbortSignal },
): AsyncGenerator<R, void> {
  const iterator = items[Symbol.asyncIterator]();
  let endWaiting = (): void => {};
  const onStop = (): void => endWaiting();
  stop.addEventListener('abort', onStop, { once: true });
  const ask = (): Promise<IteratorResult<T, unknown>> => {
    const arrival = new Promise<IteratorResult<T, unknown>>((resolve, reject) => {
      endWaiting = () => resolve({ done: true, value: undefined });
      if (stop.aborted) endWaiting();
      else iterator.next().then(resolve, reject);
    });
    arrival.catch(() => {}); // nobody may be waiting any more
    return arrival;
  };
  const prepared: Promise<R>[] = [];
  let asked: Promise<IteratorResult<T, unknown>> | undefined;
  let isOver = false;
  try {
    while (!isOver || prepared.length > 0) {
      if (!isOver && prepared.length <= count) asked ??= ask();
      const first = prepared[0]?.then((ready) => ({ ready }));
      const next = await Promise.race(
        [first, asked?.then((arrived) => ({ arrived }))].filter((one) => one !== undefined),
      );
      if ('ready' in next) {
        void prepared.shift();
        yield next.ready;
        continue;
      }
      asked = undefined;
      if (next.arrived.done === true) isOver = true;
      else prepared.push(prepare(next.arrived.value));
    }
  } finally {
    stop.removeEventListener('abort', onStop);
    // Not waited for: it may be waiting for what never comes.
    iterator.return?.().catch(() => {});
  }
}
