import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exponentials } from '../../src/decoder/exponential.ts';
import { logProbabilities } from '../../src/decoder/log-probabilities.ts';
import { Logits } from '../../src/decoder/logits.ts';

/** Evenly spread, and not the same in any two places. */
const spread = (count: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, (_, at) => 3 - scale * (((at + 1) * 0.6180339887498949) % 1));

/** Slow and obvious. */
const byRank = (values: Float32Array): number[] =>
  [...values.keys()].filter((id) => values[id] !== -Infinity).toSorted((a, b) => values[b]! - values[a]! || a - b);

for (const count of [1, 2, 7, 255, 256, 257, 1001, 131_072]) {
  for (const scale of [1e-9, 0.3, 5, 40, 707, 720, 5000]) {
    test(`exponentials of ${count} logits over a range of ${scale} and their sum are the same two at once, to the last bit`, () => {
      const values = spread(count, scale);
      const logits = new Logits(count).take(values);
      assert.equal(logits.max, values[byRank(values)[0]!]);
      const expected = new Float64Array(count);
      assert.equal(logits.sumWeights(logits.max), exponentials(values, logits.max, expected));
      assert.deepEqual(new Float64Array(logits.weights), expected);
    });
  }
}

test('the largest logits are found whichever blocks they are in, of equal ones the first', () => {
  const values = spread(5000, 9);
  for (const at of [0, 255, 256, 4999]) values[at] = 7;
  for (const at of [1, 300, 4000]) values[at] = -Infinity;
  const logits = new Logits(values.length).take(values);
  const expected = byRank(values);
  for (const most of [0, 1, 2, 4, 40, 700, 5000]) assert.deepEqual(logits.largest(most), expected.slice(0, most));
  const among = Int32Array.from([0, 1, 255, 300, 2000, 4999]);
  const some = expected.filter((id) => among.includes(id));
  for (const most of [1, 3, 9]) assert.deepEqual(logits.largestAmong(among, most), some.slice(0, most));
});

test('nothing of an earlier step is left', () => {
  const logits = new Logits(600);
  logits.take(spread(600, 1));
  const later = logits.take(new Float32Array(600).fill(-Infinity).fill(-4, 510, 512));
  assert.equal(later.max, -4);
  assert.deepEqual(later.largest(9), [510, 511]);
  const told = logProbabilities(later).top(9);
  assert.deepEqual(
    told.map(({ id }) => id),
    [510, 511],
  );
  for (const { logprob } of told) assert.ok(Math.abs(logprob + Math.LN2) < 1e-12);
});
