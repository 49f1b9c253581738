import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { arrivingAhead } from '../../src/base/ahead.ts';

/** Items that a test hands over one by one. */
function handed<T>() {
  const waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  let returned = false;
  const items: AsyncIterable<T> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise((resolve) => waiting.push(resolve)),
      return: async () => {
        returned = true;
        return { done: true, value: undefined };
      },
    }),
  };
  return {
    items,
    give: (value: T) => waiting.shift()!({ done: false, value }),
    end: () => waiting.shift()!({ done: true, value: undefined }),
    isAsked: () => waiting.length > 0,
    isReturned: () => returned,
  };
}

const never = new AbortController().signal;

test('an item that is prepared does not wait for the next one to come', async () => {
  const { items, give, end } = handed<number>();
  const ahead = arrivingAhead(items, { count: 3, prepare: async (item) => item * 10, stop: never });
  const first = ahead.next();
  await turn();
  give(1);
  assert.deepEqual(await first, { done: false, value: 10 });
  const second = ahead.next();
  await turn();
  give(2);
  assert.deepEqual(await second, { done: false, value: 20 });
  const last = ahead.next();
  await turn();
  end();
  assert.deepEqual(await last, { done: true, value: undefined });
});

test('order is kept, and no more are prepared ahead than asked for', async () => {
  let begun = 0;
  const finish: (() => void)[] = [];
  const prepare = (item: number): Promise<number> => {
    begun++;
    return new Promise((resolve) => finish.push(() => resolve(item)));
  };
  async function* numbers() {
    for (let item = 0; item < 9; item++) yield item;
  }
  const taken: number[] = [];
  const all = (async () => {
    for await (const item of arrivingAhead(numbers(), { count: 2, prepare, stop: never })) taken.push(item);
  })();
  for (let round = 0; round < 100; round++) await turn();
  assert.equal(begun, 3);
  finish[2]!();
  finish[1]!();
  for (let round = 0; round < 100; round++) await turn();
  assert.deepEqual(taken, []);
  const ends = setInterval(() => finish.forEach((end) => end()), 1);
  await all;
  clearInterval(ends);
  assert.deepEqual(taken, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('what is prepared is handed on when a stop comes, and what never comes is not waited for', async () => {
  const { items, give, isReturned } = handed<number>();
  const stop = new AbortController();
  const ahead = arrivingAhead(items, { count: 3, prepare: async (item) => item, stop: stop.signal });
  const first = ahead.next();
  await turn();
  give(1);
  assert.deepEqual(await first, { done: false, value: 1 });
  const end = ahead.next();
  await turn();
  stop.abort();
  assert.deepEqual(await end, { done: true, value: undefined });
  assert.ok(isReturned());
});

test('an error of the items is passed on', async () => {
  const failing: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('pipe broke')) }),
  };
  const ahead = arrivingAhead(failing, { count: 1, prepare: async (item) => item, stop: never });
  await assert.rejects(ahead.next(), /pipe broke/);
});
