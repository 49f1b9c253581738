import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createKernel } from '../../../src/image/pixels/kernel.ts';
import { picturePatches } from '../../../src/image/pixels/patches.ts';
import { seenPixels } from '../../../src/image/pixels/seen.ts';
import { encodePng } from '../../../src/image/pixels/write-png.ts';
import { scenePath } from '../../helpers/checkpoints.ts';
import { decodeFile, pixtralImage } from '../../helpers/pictures.ts';
import { pixelsOf, rgbOf, syntheticPixels } from '../../helpers/pixels.ts';

const seen = (pixels: ReturnType<typeof pixelsOf>, image = pixtralImage) => {
  const { grid, values } = picturePatches(pixels, image, createKernel());
  return seenPixels({ grid, patches: values }, image);
};

test('a picture that fills its grid is seen as it is, to the last bit', async () => {
  for (const name of ['a-80x48.png', 'b-48x80.png', 'c-64x64.png']) {
    const pixels = await decodeFile(await readFile(scenePath(name)));
    const { width, height, bytes, clamped } = seen(pixels);
    assert.deepEqual([width, height, clamped], [pixels.width, pixels.height, 0], name);
    assert.deepEqual(bytes, rgbOf(pixels), name);
  }
});

test('patches of several patches a token are put together in raster order', () => {
  const pixels = syntheticPixels(56, 28);
  const { bytes } = seen(pixels, { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 });
  assert.deepEqual(bytes, rgbOf(pixels));
});

test('values beyond 0 and 255 are clamped and counted', () => {
  const edge = pixelsOf({ width: 64, height: 16 }, (x) => (x < 31 ? 0 : 255));
  const whole = seen(edge);
  assert.equal(whole.clamped, 0);
  const shrunk = seen(edge, { ...pixtralImage, maxImageSize: 48 });
  assert.ok(shrunk.clamped > 0);
});

test('a PNG that is written is read with the same pixels', async () => {
  for (const [width, height] of [
    [1, 1],
    [33, 17],
    [256, 64],
  ] as const) {
    const bytes = rgbOf(syntheticPixels(width, height));
    const read = await decodeFile(await encodePng({ width, height, bytes }, 'small'));
    assert.deepEqual([read.width, read.height], [width, height]);
    assert.deepEqual(rgbOf(read), bytes);
  }
});
