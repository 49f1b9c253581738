import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GridConfig } from '../../../src/image/pixels/grid.ts';
import { createKernel } from '../../../src/image/pixels/kernel.ts';
import { type Pixels, picturePatches } from '../../../src/image/pixels/patches.ts';
import { seenPng } from '../../../src/image/pixels/seen-png.ts';
import { seenPixels } from '../../../src/image/pixels/seen.ts';
import { decodeFile, pixtralImage } from '../../helpers/pictures.ts';
import { pixelsOf, rgbOf, syntheticPixels } from '../../helpers/pixels.ts';

const kernel = createKernel();
const grids: Record<string, GridConfig> = {
  pixtral: pixtralImage,
  'patches of 14, four a token': { patchSize: 14, maxImageSize: 280, spatialMergeSize: 2 },
  'patches of 14': { patchSize: 14, maxImageSize: 98, spatialMergeSize: 1 },
  'patches of 6': { patchSize: 6, maxImageSize: 90, spatialMergeSize: 1 },
};
const pictures: Record<string, Pixels> = {
  'of its grid': syntheticPixels(64, 48),
  enlarged: syntheticPixels(5, 3),
  'shrunk much': syntheticPixels(1201, 777),
  'high and narrow': syntheticPixels(9, 700),
  'one line': syntheticPixels(300, 1),
  'hard edges, where the resize swings beyond 0 and 255': pixelsOf({ width: 401, height: 203 }, (x, y) =>
    (x ^ y) % 7 < 3 ? 0 : 255,
  ),
  white: pixelsOf({ width: 900, height: 70 }, () => 255),
};

for (const [grid, config] of Object.entries(grids)) {
  for (const [name, pixels] of Object.entries(pictures)) {
    test(`the file that is sent holds what is seen, to the last bit: ${grid}, ${name}`, async () => {
      const before = picturePatches(pixels, config, createKernel());
      const expected = seenPixels({ grid: before.grid, patches: before.values }, config);
      // The kernel has held larger pictures and smaller ones before.
      const read = await decodeFile(await seenPng(picturePatches(pixels, config, kernel), config, kernel));
      assert.deepEqual([read.width, read.height], [expected.width, expected.height]);
      assert.deepEqual(rgbOf(read), expected.bytes);
    });
  }
}
