/** Puts what comes in any order back into the order of its places 0, 1, 2, ... */
export async function* inOrder<T extends { place: number }>(items: AsyncIterable<T>): AsyncGenerator<T, void> {
  const waiting = new Map<number, T>();
  let place = 0;
  for await (const item of items) {
    waiting.set(item.place, item);
    for (let next = waiting.get(place); next; next = waiting.get(place)) {
      waiting.delete(place);
      place++;
      yield next;
    }
  }
}
