import { after, before, test } from 'node:test';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { relatives } from '../helpers/checkpoints.ts';
import { checkGolden, goldenLimits } from '../helpers/golden-check.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

for (const layout of relatives) {
  for (const type of Object.keys(goldenLimits) as (keyof typeof goldenLimits)[]) {
    test(`${layout} at ${type}: tower, adapter and logits are the reference's, beyond the original context too`, (t) =>
      checkGolden(t, { native, layout, type }));
  }
}
