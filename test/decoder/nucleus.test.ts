import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Logits } from '../../src/decoder/logits.ts';
import { massError } from '../../src/decoder/logits-kernel.ts';
import { nucleus } from '../../src/decoder/nucleus.ts';

/** Logits of these probabilities, with many others that share the rest. */
function withProbabilities(likely: Record<number, number>, count = 131_072): Logits {
  const rest = 1 - Object.values(likely).reduce((sum, one) => sum + one, 0);
  const logits = new Float32Array(count).fill(Math.log(rest / count));
  for (const [id, probability] of Object.entries(likely)) logits[Number(id)] = Math.log(probability);
  return new Logits(count).take(logits);
}

test('what top-p leaves is found, the likeliest first', () => {
  const logits = withProbabilities({ 7: 0.2, 300: 0.6, 100_000: 0.1 });
  assert.deepEqual(nucleus(logits, 0), [300]);
  assert.deepEqual(nucleus(logits, 0.59), [300]);
  assert.deepEqual(nucleus(logits, 0.61), [300, 7]);
  assert.deepEqual(nucleus(logits, 0.85), [300, 7, 100_000]);
  assert.equal(nucleus(logits, 0.95), undefined);
});

test('where roundings or equal logits decide, nothing is said', () => {
  const logits = withProbabilities({ 7: 0.2, 300: 0.6, 100_000: 0.1 });
  for (const topP of [0.6, 0.8, 0.9]) assert.equal(nucleus(logits, topP), undefined);
  const equal = withProbabilities({ 7: 0.3, 300: 0.3, 100_000: 0.3 });
  assert.equal(nucleus(equal, 0.5), undefined);
  assert.equal(nucleus(equal, 0.2), undefined);
});

test('the sum of f32 in any order lies as far from the mass of logits as is said, at most', () => {
  for (const [count, range] of [
    [131_072, 30],
    [131_072, 3],
    [1000, 12],
    [131_072, 0],
  ] as const) {
    const values = Float32Array.from({ length: count }, (_, at) => 5 - range * ((at * 0.618_033_988_749_894_9) % 1));
    const logits = new Logits(count).take(values);
    const masses = Array.from(values, (value) => Math.exp(value - logits.max));
    const exact = masses.reduce((sum, one) => sum + one, 0);
    const { sum, rounding } = logits.mass(logits.max);
    assert.ok(Math.abs(sum - exact) <= massError * exact, `${sum} for ${exact}`);
    for (const order of [
      masses,
      masses.toReversed(),
      masses.toSorted((a, b) => a - b),
      masses.toSorted((a, b) => b - a),
    ]) {
      const added = order.reduce((total, one) => Math.fround(total + Math.fround(one)), 0);
      assert.ok(Math.abs(added - exact) <= rounding, `${added} is further than ${rounding} from ${exact}`);
    }
  }
});
