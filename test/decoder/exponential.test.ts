import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exponentials } from '../../src/decoder/exponential.ts';

/** Evenly spread, and not the same in any two places. */
const spread = (count: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, (_, at) => -scale * ((at * 0.6180339887498949) % 1));

for (const scale of [1e-9, 1e-4, 0.3, 1, 5, 40, 720, 800]) {
  test(`exponentials of numbers down to -${scale} are those of Math.exp to its last bit`, () => {
    const values = spread(20_000, scale);
    const found = new Float64Array(values.length);
    const sum = exponentials(values, 0, found);
    let expected = 0;
    for (const [at, value] of values.entries()) {
      const exact = Math.exp(value);
      expected += found[at]!;
      // One unit of the last place: an engine may compute it in another way.
      assert.ok(Math.abs(found[at]! - exact) <= exact * 2 ** -52, `${value}: ${found[at]}, ${exact}`);
    }
    assert.equal(sum, expected);
  });
}

test('what has no probability, and what is no number, stays so', () => {
  const found = new Float64Array(4);
  const sum = exponentials(Float32Array.of(3, -Infinity, 3, 2), 3, found);
  assert.deepEqual([...found], [1, 0, 1, Math.exp(-1)]);
  assert.equal(sum, 2 + Math.exp(-1));
  assert.ok(Number.isNaN(exponentials(Float32Array.of(1, Number.NaN), 1, new Float64Array(2))));
});
