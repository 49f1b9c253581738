import assert from 'node:assert/strict';
import { type TestContext } from 'node:test';
import type { Native } from '../../src/native/native.ts';
import { type TinyCheckpoint, goldenCases, isRelative, relativeError } from './checkpoints.ts';
import { convertedPair } from './converted.ts';
import { openGoldenModel } from './golden-run.ts';

// Relative errors against transformers in float32 on the same bf16 weights. llama.cpp multiplies f16, bf16 and q8_0
// weights with activations rounded to the same type, so those limits are about rounding, not about mistakes.
export const goldenLimits = {
  f32: { tower: 1e-4, adapter: 1e-4, logits: 1e-3 },
  f16: { tower: 5e-3, adapter: 5e-3, logits: 5e-3 },
  bf16: { tower: 5e-3, adapter: 5e-3, logits: 5e-3 },
  q8_0: { tower: 3e-2, adapter: 3e-2, logits: 3e-2 },
};

// Rows of 32 and 64 weights average less of the rounding than those of 64 and 96, and the tied relative's are large.
const relativeLimits = {
  ...goldenLimits,
  bf16: { tower: 1e-2, adapter: 1e-2, logits: 2e-2 },
  q8_0: { tower: 5e-2, adapter: 5e-2, logits: 1.5e-1 },
};

interface Checked {
  native: Native;
  layout: TinyCheckpoint;
  type: keyof typeof goldenLimits;
}

/** Ids, tower, adapter and logits are the reference's within the type's limits; in float32 the greedy ids too. */
export async function checkGolden(t: TestContext, { native, layout, type }: Checked): Promise<void> {
  const limit = (isRelative(layout) ? relativeLimits : goldenLimits)[type];
  const pair = await convertedPair(layout, type, native);
  t.after(() => pair.remove());
  const model = await openGoldenModel(native, pair);
  t.after(() => model.close());
  for (const golden of goldenCases(layout)) {
    const isExact = type === 'f32';
    const run = await model.run(isExact ? golden : { ...golden, greedy: [] });
    assert.deepEqual(run.ids, golden.ids, golden.name);
    golden.tower.forEach((tower, i) => assertClose(run.tower[i]!, tower, limit.tower, `${golden.name}: tower ${i}`));
    golden.adapter.forEach((rows, i) =>
      assertClose(run.adapter[i]!, rows, limit.adapter, `${golden.name}: adapter ${i}`),
    );
    assertClose(run.logits, golden.logits.slice(-run.logits.length), limit.logits, `${golden.name}: logits`);
    if (isExact) assert.deepEqual(run.greedy, golden.greedy, `${golden.name}: greedy ids`);
  }
}

function assertClose(actual: Float32Array, expected: Float32Array, limit: number, what: string): void {
  const error = relativeError(actual, expected);
  assert.ok(error <= limit, `${what}: relative error ${error.toExponential(2)}, at most ${limit}`);
}
