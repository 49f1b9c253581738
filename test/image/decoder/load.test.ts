import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type LoadOptions, type Picture, loadPictures } from '../../../src/image/decoder/load.ts';
import { createKernel } from '../../../src/image/pixels/kernel.ts';
import { picturePatches } from '../../../src/image/pixels/patches.ts';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile, pixtralImage } from '../../helpers/pictures.ts';
import { pixelsOf, rgbOf } from '../../helpers/pixels.ts';

const load = async (name: string, options: Partial<LoadOptions> = {}): Promise<Picture[]> =>
  loadPictures({ name, bytes: await readFile(imagePath(name)) }, { image: pixtralImage, maxPages: 10, ...options });
const pagesOf = (pictures: readonly Picture[]) =>
  pictures.map(({ page, width, height, grid }) => ({ page, width, height, grid: [grid.columns, grid.rows] }));

test('every page of a source is a picture of its own size', async () => {
  assert.deepEqual(pagesOf(await load('pages.tif')), [
    { page: 1, width: 40, height: 30, grid: [3, 2] },
    { page: 2, width: 30, height: 40, grid: [2, 3] },
    { page: 3, width: 24, height: 24, grid: [2, 2] },
  ]);
});

test('a selection chooses among pages and frames, and too many are refused', async () => {
  const selection = {
    kind: 'pages',
    ranges: [
      [3, 3],
      [1, 1],
    ],
  } as const;
  assert.deepEqual(
    (await load('pages.pdf', { selection })).map(({ page }) => page),
    [3, 1],
  );
  assert.deepEqual(
    (await load('frames.gif', { selection: { kind: 'every', step: 3 } })).map(({ page }) => page),
    [1, 4],
  );
  await assert.rejects(load('frames.gif', { maxPages: 3 }), {
    code: 'input',
    message: /4 pages to read, expected at most 3/,
  });
});

test('a source that holds one picture has no page number', async () => {
  const [picture] = await load('rgb.png');
  assert.ok(!('page' in picture!));
});

test('a picture has the hash of its source and the patches of its pixels', async () => {
  const bytes = await readFile(imagePath('orientation-6.jpg'));
  const [picture] = await load('orientation-6.jpg');
  assert.equal(picture!.sha256, createHash('sha256').update(bytes).digest('hex'));
  assert.deepEqual(picture!.patches, picturePatches(await decodeFile(bytes), pixtralImage, createKernel()).values);
});

test("PDF pages are drawn so that their longer side is exactly the model's", async () => {
  const image = { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 };
  const sizes = (await load('pages.pdf', { image })).map(({ width, height }) => [width, height]);
  assert.deepEqual(sizes, [
    [1088, 1540],
    [1540, 1088],
    [1540, 1027],
  ]);
});

test('a crop is the part of the upright picture that it names', async () => {
  const whole = await decodeFile(await readFile(imagePath('orientation-6.jpg')));
  const rgb = rgbOf(whole);
  const part = pixelsOf(
    { width: 20, height: 10 },
    (x, y, channel) => rgb[((y + 12) * 64 + x + 25) * 3 + channel] ?? 255,
  );
  const [picture] = await load('orientation-6.jpg', { crops: [{ x: 25, y: 12, width: 20, height: 10 }] });
  assert.deepEqual([picture!.width, picture!.height], [20, 10]);
  assert.deepEqual(picture!.patches, picturePatches(part, pixtralImage, createKernel()).values);
  await assert.rejects(load('rgb.png', { crops: [{ x: 30, y: 0, width: 8, height: 8 }] }), {
    code: 'input',
    message: 'rgb.png: is 37x53, expected to hold 8x8 at 30,0',
  });
});
