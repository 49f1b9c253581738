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

const maskOf = (count: number, allows: (id: number) => boolean): Uint32Array => {
  const mask = new Uint32Array(Math.ceil(count / 32));
  for (let id = 0; id < count; id++) if (allows(id)) mask[id >>> 5]! |= 1 << (id & 31);
  return mask;
};

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

const shapes: Record<string, (at: number) => number> = {
  flat: () => 2,
  'flat at 0': () => 0,
  'next to 0': (at) => ((at * 7919) % 1013) * -(2 ** -54),
  'about 0': (at) => (((at * 7919) % 1013) - 506) * 2 ** -60,
  'just below an eighth': (at) => 2 ** -3 - ((at * 7919) % 1013) * 2 ** -27,
  negative: (at) => -40 - ((at * 7919) % 1013) / 50,
  peaked: (at) => (at === 300 ? 60 : ((at * 7919) % 1013) / 100),
  'with what is forbidden': (at) => (at % 11 === 5 ? -Infinity : ((at * 7919) % 1013) / 70),
  'with one that is forbidden, the last': (at) => (at === 1002 ? -Infinity : ((at * 7919) % 1013) / 70),
  'far apart': (at) => ((at * 7919) % 1013) * -0.7,
  'with no number': (at) => (at === 500 ? Number.NaN : ((at * 7919) % 1013) / 70),
  'with no number but the last': (at) => (at === 1002 ? Number.NaN : 5),
  'with infinity': (at) => (at === 17 ? Infinity : 1),
  'of the largest numbers': (at) => (at % 2 === 0 ? 3.4e38 : -3.4e38),
  'forbidden altogether': () => -Infinity,
};

for (const [shape, value] of Object.entries(shapes)) {
  test(`log-probabilities are the same to the last bit as computed one by one: ${shape}`, () => {
    const values = Float32Array.from({ length: 1003 }, (_, at) => value(at));
    const max = values.reduce((one, other) => (other > one ? other : one), -Infinity);
    const weights = new Float64Array(values.length);
    const sum = exponentials(values, max, weights);
    const logits = new Logits(values.length).take(values);
    assert.equal(logits.max, max);
    assert.equal(logits.sumWeights(max), sum);
    assert.deepEqual(new Float64Array(logits.weights), weights);
    const told = logProbabilities(logits);
    for (const id of values.keys()) assert.equal(told.of(id), values[id]! - (max + Math.log(sum)));
    for (const allows of [() => true, (id: number) => id >= 40 && id % 3 > 0, (id: number) => id === 900]) {
      const ids = [...values.keys()].filter(allows);
      const share = max + Math.log(ids.reduce((total, id) => total + weights[id]!, 0));
      const among = told.among(maskOf(values.length, allows));
      if (Number.isFinite(share)) for (const id of values.keys()) assert.equal(among.of(id), values[id]! - share);
      const isLess = (one: number, other: number): number => values[other]! - values[one]! || one - other;
      if (!Number.isFinite(max) || Number.isNaN(sum)) continue;
      const expected = ids.filter((id) => values[id] !== -Infinity).toSorted(isLess);
      assert.deepEqual(
        among.top(64).map(({ id }) => id),
        expected.slice(0, 64),
      );
    }
  });
}

test('the largest logits are found whichever blocks they are in, of equal ones the first', () => {
  const values = spread(5000, 9);
  for (const at of [0, 255, 256, 4999]) values[at] = 7;
  for (const at of [1, 300, 4000]) values[at] = -Infinity;
  const logits = new Logits(values.length).take(values);
  const expected = byRank(values);
  for (const most of [0, 1, 2, 4, 40, 700, 5000]) assert.deepEqual(logits.largest(most), expected.slice(0, most));
  const among = [0, 1, 255, 300, 2000, 4999];
  const some = expected.filter((id) => among.includes(id));
  const mask = maskOf(values.length, (id) => among.includes(id));
  for (const most of [1, 3, 9]) assert.deepEqual(logits.largestAmong(mask, most), some.slice(0, most));
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
