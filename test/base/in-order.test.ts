import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { ahead } from '../../src/base/ahead.ts';
import { Arrivals } from '../../src/base/arrivals.ts';
import { Gate } from '../../src/base/gate.ts';
import { inOrder } from '../../src/base/in-order.ts';

async function* each<T>(items: readonly T[]): AsyncGenerator<T, void> {
  yield* items;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

test('what comes in any order goes out in the order of its places', async () => {
  const places = fc.uniqueArray(fc.nat({ max: 50 }), { maxLength: 50 }).map((order) => {
    const sorted = order.toSorted((one, other) => one - other);
    return order.map((place) => ({ place: sorted.indexOf(place) }));
  });
  await fc.assert(
    fc.asyncProperty(places, async (items) => {
      const ordered = await all(inOrder(each(items)));
      assert.deepEqual(
        ordered.map(({ place }) => place),
        items.map((_, index) => index),
      );
    }),
  );
});

test('no more are prepared ahead than was said', async () => {
  const begun: number[] = [];
  const prepare = async (item: number): Promise<number> => begun.push(item);
  const prepared = ahead([1, 2, 3, 4, 5], { count: 2, prepare });
  await prepared.next();
  assert.deepEqual(begun, [1, 2, 3]);
  await prepared.next();
  assert.deepEqual(begun, [1, 2, 3, 4]);
  assert.equal((await all(prepared)).length, 3);
});

test('a gate lets one in for each that leaves', async () => {
  const gate = new Gate(2);
  await gate.enter();
  await gate.enter();
  let entered = false;
  const waiting = gate.enter().then(() => (entered = true));
  await Promise.resolve();
  assert.equal(entered, false);
  gate.leave();
  await waiting;
  assert.equal(entered, true);
});

test('arrivals tell whether the next one is there, and what their maker threw', async () => {
  let arrive: (() => void) | undefined;
  async function* slowly(): AsyncGenerator<string, void> {
    yield 'first';
    await new Promise<void>((resolve) => (arrive = resolve));
    throw new Error('no more');
  }
  const arrivals = new Arrivals(slowly());
  assert.equal(await arrivals.take(), 'first');
  assert.equal(arrivals.isReady, false);
  assert.equal(arrivals.next, undefined);
  arrive?.();
  await assert.rejects(arrivals.take(), /no more/);
  assert.equal(arrivals.isReady, true);
});
