import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { goldenCases, relativeError } from '../helpers/checkpoints.ts';
import { convertedPair } from '../helpers/converted.ts';
import { openGoldenModel } from '../helpers/golden-run.ts';

// Relative errors against transformers in float32 on the same bf16 weights. llama.cpp multiplies f16, bf16 and q8_0
// weights with activations rounded to the same type, so those limits are about rounding, not about mistakes.
const limits = {
  f32: { tower: 1e-4, adapter: 1e-4, logits: 1e-3 },
  f16: { tower: 5e-3, adapter: 5e-3, logits: 5e-3 },
  bf16: { tower: 5e-3, adapter: 5e-3, logits: 5e-3 },
  q8_0: { tower: 3e-2, adapter: 3e-2, logits: 3e-2 },
};

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

// Rows of 32 weights average less of the rounding than those of 64 and 96, so the relatives are held to the finer types.
const cases = [
  ...(['mistral', 'huggingface', 'merger'] as const).map((layout) => ({
    layout,
    types: ['f32', 'f16', 'bf16', 'q8_0'],
  })),
  ...(['ministral-3', 'ministral-3-base'] as const).map((layout) => ({ layout, types: ['f32', 'f16'] })),
] as const;

for (const { layout, types } of cases) {
  for (const type of types as (keyof typeof limits)[]) {
    const limit = limits[type];
    test(`ids, tower, adapter and logits of ${layout} at ${type} are the reference's`, async (t) => {
      const pair = await convertedPair(layout, type, native);
      t.after(() => pair.remove());
      const model = await openGoldenModel(native, pair);
      t.after(() => model.close());
      for (const golden of goldenCases(layout)) {
        const run = await model.run(golden);
        assert.deepEqual(run.ids, golden.ids, golden.name);
        golden.tower.forEach((tower, i) =>
          assertClose(run.tower[i]!, tower, limit.tower, `${golden.name}: tower ${i}`),
        );
        golden.adapter.forEach((rows, i) =>
          assertClose(run.adapter[i]!, rows, limit.adapter, `${golden.name}: adapter ${i}`),
        );
        assertClose(run.logits, golden.logits.slice(-run.logits.length), limit.logits, `${golden.name}: logits`);
        if (type === 'f32') assert.deepEqual(run.greedy, golden.greedy, `${golden.name}: greedy ids`);
      }
    });
  }
}

function assertClose(actual: Float32Array, expected: Float32Array, limit: number, what: string): void {
  const error = relativeError(actual, expected);
  assert.ok(error <= limit, `${what}: relative error ${error.toExponential(2)}, at most ${limit}`);
}
