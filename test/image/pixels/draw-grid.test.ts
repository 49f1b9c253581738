import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawGrid } from '../../../src/image/pixels/draw-grid.ts';
import { imageGrid } from '../../../src/image/pixels/grid.ts';
import type { Rgb } from '../../../src/image/pixels/seen.ts';
import { pixtralImage } from '../../helpers/pictures.ts';

function drawn(width: number, height: number, image = pixtralImage): Rgb {
  const grid = imageGrid({ width, height }, image);
  const bytes = new Uint8Array(grid.width * grid.height * 3).fill(100);
  return drawGrid({ width: grid.width, height: grid.height, bytes }, { grid, image });
}

const pixel = ({ width, bytes }: Rgb, x: number, y: number): number[] => {
  const at = (y * width + x) * 3;
  return [...bytes.subarray(at, at + 3)];
};

test('a line stands at every edge of a patch, and the picture between them, twice as large', () => {
  const sheet = drawn(48, 32);
  assert.deepEqual([sheet.width, sheet.height], [32 + 96 + 1, 32 + 64 + 1]);
  for (let x = 0; x <= 96; x++) {
    assert.deepEqual(pixel(sheet, 32 + x, 32 + 5), x % 32 === 0 ? [255, 0, 160] : [100, 100, 100], `column ${x}`);
  }
  for (let y = 0; y <= 64; y++) {
    assert.deepEqual(pixel(sheet, 32 + 5, 32 + y), y % 32 === 0 ? [255, 0, 160] : [100, 100, 100], `row ${y}`);
  }
});

test('lines inside a token are fainter', () => {
  const sheet = drawn(56, 56, { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 });
  assert.deepEqual(pixel(sheet, 32 + 84, 40), [255, 0, 160]);
  assert.deepEqual(pixel(sheet, 32 + 42, 40), [154, 65, 121]);
});

/** The dots of a cell of the rulers, as a font would show them. */
function dots(sheet: Rgb, left: number, top: number): string[] {
  const lines = Array.from({ length: 5 }, (_, line) =>
    Array.from({ length: 15 }, (_, dot) => (pixel(sheet, left + dot * 2, top + line * 2)[0] === 255 ? '#' : ' ')).join(
      '',
    ),
  );
  return lines.map((line) => line.trim());
}

test('columns and rows are numbered from 1', () => {
  const sheet = drawn(1024, 384);
  assert.deepEqual(dots(sheet, 33 + 63 * 32, 18), ['### # #', '#   # #', '### ###', '# #   #', '###   #']);
  assert.deepEqual(dots(sheet, 0, 32 + 6 * 32 + 11), ['###', '#', '#', '#', '#']);
});
