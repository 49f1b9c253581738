import { after, before, test } from 'node:test';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { checkGolden } from '../helpers/golden-check.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

// Rows of 32 weights average less of the rounding than those of 64 and 96: the relatives are held to the finer types.
for (const layout of ['ministral-3', 'ministral-3-base'] as const) {
  for (const type of ['f32', 'f16'] as const) {
    test(`${layout} at ${type}: tower, adapter and logits are the reference's, beyond the original context too`, (t) =>
      checkGolden(t, { native, layout, type }));
  }
}
