import { after, before, test } from 'node:test';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { checkGolden, goldenLimits } from '../helpers/golden-check.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

for (const layout of ['mistral', 'huggingface', 'merger'] as const) {
  for (const type of Object.keys(goldenLimits) as (keyof typeof goldenLimits)[]) {
    test(`ids, tower, adapter and logits of ${layout} at ${type} are the reference's`, (t) =>
      checkGolden(t, { native, layout, type }));
  }
}
