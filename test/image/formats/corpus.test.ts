import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Pixels } from '../../../src/image/pixels/patches.ts';
import { type CorpusCase, corpusCases, imageNames, imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

const decode = async (name: string, page?: number): Promise<Pixels> =>
  decodeFile(await readFile(imagePath(name)), { name, ...(page !== undefined && { page }) });

const sets = ['images', 'web-images', 'tiff-images', 'other-images', 'program-images'] as const;

for (const expected of sets.flatMap(corpusCases)) {
  const { name, page, worst, mean } = expected;
  const limits = worst === 0 ? 'exactly' : `within ${worst} (${mean} on average) of 255`;
  test(`${name}${page === undefined ? '' : ` page ${page}`} has another decoder's pixels, ${limits}`, async () => {
    const picture = await decode(name, page);
    const { width, height } = expected.averaged ?? expected;
    assert.deepEqual([picture.width, picture.height], [width, height]);
    assertNear(expected.averaged ? averagedOf(picture) : rgbOf(picture), expected);
  });
}

function assertNear(actual: ArrayLike<number>, { pixels, worst, mean }: CorpusCase): void {
  let sum = 0;
  let most = 0;
  for (const [at, value] of pixels.entries()) {
    const off = Math.abs(actual[at]! - value);
    sum += off;
    most = Math.max(most, off);
  }
  assert.ok(
    most <= worst && sum / pixels.length <= mean,
    `${most} off, ${(sum / pixels.length).toFixed(3)} on average`,
  );
}

/** Every whole 8 x 8 pixels. */
function averagedOf(picture: Pixels): Float64Array {
  const rgb = rgbOf(picture);
  const columns = Math.floor(picture.width / 8);
  const rows = Math.floor(picture.height / 8);
  const averages = new Float64Array(columns * rows * 3);
  for (let y = 0; y < rows * 8; y++) {
    for (let x = 0; x < columns * 8; x++) {
      for (let channel = 0; channel < 3; channel++) {
        averages[((y >> 3) * columns + (x >> 3)) * 3 + channel]! += rgb[(y * picture.width + x) * 3 + channel]! / 64;
      }
    }
  }
  return averages;
}

const quarters = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
] as const;

for (const name of imageNames().filter((name) => name.startsWith('orientation-') || name === 'corners.avif')) {
  test(`${name} stands upright`, async () => {
    const picture = await decode(name);
    assert.deepEqual([picture.width, picture.height], [64, 32]);
    assertQuarters(picture, quarters);
  });
}

test('an SVG is drawn to the longest side that the model sees, on white', async () => {
  const picture = await decode('shapes.svg');
  assert.deepEqual([picture.width, picture.height], [1024, 512]);
  assertQuarters(picture, [...quarters.slice(0, 3), [255, 255, 127]]);
});

function assertQuarters(picture: Pixels, colours: readonly (readonly number[])[]): void {
  const { width, height } = picture;
  const rgb = rgbOf(picture);
  for (const [quarter, expected] of colours.entries()) {
    const x = Math.floor(width * (quarter % 2 === 0 ? 0.25 : 0.75));
    const y = Math.floor(height * (quarter < 2 ? 0.25 : 0.75));
    const pixel = rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
    const isNear = pixel.every((value, channel) => Math.abs(value - expected[channel]!) <= 8);
    assert.ok(isNear, `quarter ${quarter}: ${pixel.join()}`);
  }
}
