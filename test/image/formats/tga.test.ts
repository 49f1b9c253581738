import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

/** Of 3 by 2 pixels, the upper line first, without a mark at its end. */
const tga = (kind: number, bits: number, pixels: readonly number[]): Buffer =>
  Buffer.from([0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 2, 0, bits, 0x20, ...pixels]);
const colours = async (file: Buffer): Promise<number[][]> => {
  const rgb = rgbOf(await decodeFile(file, { name: 'a.tga' }));
  return Array.from({ length: 6 }, (_, pixel) => [...rgb.subarray(pixel * 3, pixel * 3 + 3)]);
};

test('a TGA of any number of bits is told by its length alone', async () => {
  const [red, blue, white] = [
    [255, 0, 0],
    [0, 0, 255],
    [255, 255, 255],
  ];
  const fifteen = [0x00, 0x7c, 0x1f, 0x00, 0xff, 0x7f];
  assert.deepEqual(await colours(tga(2, 15, [...fifteen, ...fifteen])), [red, blue, white, red, blue, white]);
  assert.deepEqual(await colours(tga(2, 16, [...fifteen, ...fifteen])), [red, blue, white, red, blue, white]);
  const black = [0, 0, 0];
  assert.deepEqual(await colours(tga(3, 1, [0b1010_0000, 0b0110_0000])), [white, black, white, black, white, white]);
});
