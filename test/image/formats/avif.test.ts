import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

/** What was written at x, y of 128 by 128, on white. */
function painted(x: number, y: number): number[] {
  const alpha = x < 64 ? 255 : 128;
  const colours = [2 * x, 2 * y, 64 * (((x >> 5) + (y >> 5)) % 4)];
  return colours.map((colour) => (colour * alpha + 255 * (255 - alpha)) / 255);
}

test('a picture of tiles, with transparency, is cut, then turned, then mirrored', async () => {
  const { width, height, ...picture } = await decodeFile(await readFile(imagePath('grid-cut-turned.avif')));
  assert.deepEqual([width, height], [80, 100]);
  const rgb = rgbOf({ width, height, ...picture });
  const [left, top] = [(128 - 100) / 2 + 10, (128 - 80) / 2];
  let worst = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const mirrored = width - 1 - x;
      const expected = painted(left + 99 - y, top + mirrored);
      for (const [channel, value] of expected.entries()) {
        worst = Math.max(worst, Math.abs(rgb[3 * (y * width + x) + channel]! - value));
      }
    }
  }
  assert.ok(worst <= 2, `${worst} off`);
});
