import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../helpers/fast-check.ts';
import type { GridConfig } from '../../../src/image/pixels/grid.ts';
import { createKernel } from '../../../src/image/pixels/kernel.ts';
import { type Patches, picturePatches } from '../../../src/image/pixels/patches.ts';
import { pixelsGolden, pixelsOf, syntheticPixels } from '../../helpers/pixels.ts';
import { slowPatches } from '../../helpers/slow-patches.ts';

const { configs, cases } = pixelsGolden();
/** In steps of 255, before normalising. */
const limit = 1e-3;
const stepsPerValue = [0.26862954, 0.26130258, 0.27577711].map((deviation) => deviation * 255);

/** Place of pixel (x, y) of a channel in `values`. */
function placeOf({ grid }: Patches, { patchSize }: GridConfig, at: { channel: number; x: number; y: number }): number {
  const patch = Math.floor(at.y / patchSize) * (grid.width / patchSize) + Math.floor(at.x / patchSize);
  return ((patch * 3 + at.channel) * patchSize + (at.y % patchSize)) * patchSize + (at.x % patchSize);
}

for (const { config: name, width, height, shape, stride, values } of cases) {
  test(`${width}x${height} has mistral-common's pixels with the image settings of ${name}`, () => {
    const config = configs[name]!;
    const patches = picturePatches(syntheticPixels(width, height), config, createKernel());
    assert.deepEqual([3, patches.grid.height, patches.grid.width], shape);
    values.forEach((expected, sample) => {
      const flat = sample * stride;
      const x = flat % shape[2];
      const y = Math.floor(flat / shape[2]) % shape[1];
      const channel = Math.floor(flat / shape[2] / shape[1]);
      const actual = patches.values[placeOf(patches, config, { channel, x, y })]!;
      const steps = Math.abs(actual - expected) * stepsPerValue[channel]!;
      assert.ok(steps <= limit, `channel ${channel} at ${x},${y}: ${steps} steps off`);
    });
  });
}

test('pictures of any size have the pixels that a slow, obvious resize gives', () => {
  const side = fc.integer({ min: 1, max: 90 });
  fc.assert(
    fc.property(side, side, fc.constantFrom('small', 'merging'), fc.integer(), (width, height, name, seed) => {
      const config = { small: configs['small']!, merging: { patchSize: 14, maxImageSize: 84, spatialMergeSize: 2 } }[
        name
      ];
      const pixels = pixelsOf(
        { width, height },
        (x, y, channel) => Math.imul(x * 31 + y * 17 + channel, seed | 1) >>> 24,
      );
      const { values } = picturePatches(pixels, config, createKernel());
      const expected = slowPatches(pixels, config);
      assert.equal(values.length, expected.length);
      const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - values[at]!)), 0);
      assert.ok(worst * 70 <= limit, `${worst * 70} steps off`);
    }),
    { numRuns: 60 },
  );
});

test('one picture after another leaves nothing of itself in the next', () => {
  const kernel = createKernel();
  for (const [width, height] of [
    [90, 40],
    [3, 3],
    [200, 300],
    [5, 1],
    [90, 40],
  ] as const) {
    for (const config of Object.values(configs)) {
      const pixels = syntheticPixels(width, height);
      const alone = picturePatches(pixels, config, createKernel());
      assert.deepEqual(picturePatches(pixels, config, kernel), alone, `${width}x${height}`);
    }
  }
});

test('patches of any side have the pixels that a slow, obvious resize gives', () => {
  for (const patchSize of [2, 4, 6, 7, 8, 12, 14, 16]) {
    const config = { patchSize, maxImageSize: patchSize * 5, spatialMergeSize: 1 };
    const pixels = syntheticPixels(61, 47);
    const { values } = picturePatches(pixels, config, createKernel());
    for (const [at, value] of slowPatches(pixels, config).entries()) {
      assert.ok(Math.abs(value - values[at]!) * 70 <= limit, `${patchSize}: ${value} and ${values[at]} at ${at}`);
    }
  }
});
