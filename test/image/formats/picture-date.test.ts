import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createCanvas } from '@napi-rs/canvas';
import * as fc from '../../helpers/fast-check.ts';
import { pictureDate } from '../../../src/image/formats/picture-date.ts';
import { scenePath } from '../../helpers/checkpoints.ts';
import { exifWithDate } from '../../helpers/exif.ts';
import { pngChunk } from '../../helpers/make-png.ts';

const taken = { tag: 0x9003, inExif: true, little: true };
const tiff = exifWithDate('2024:05:04 17:31:02\0', taken);
const date = '2024-05-04 17:31:02';

/** An APP1 part behind the marker that begins a JPEG. */
function withExif(jpeg: Buffer, exif: Buffer): Buffer {
  const part = Buffer.concat([Buffer.from('\xff\xe1\0\0Exif\0\0', 'latin1'), exif]);
  part.writeUInt16BE(part.length - 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), part, jpeg.subarray(2)]);
}

test('the date is found in JPEG, PNG, WebP and TIFF', async () => {
  const canvas = createCanvas(4, 4);
  const png = readFileSync(scenePath('c-64x64.png'));
  const webp = Buffer.concat([await canvas.encode('webp'), Buffer.from('EXIF\x50\0\0\0', 'latin1'), tiff]);
  const files = {
    jpeg: withExif(await canvas.encode('jpeg'), tiff),
    png: Buffer.concat([png.subarray(0, 33), pngChunk('eXIf', tiff), png.subarray(33)]),
    webp,
    tiff,
  };
  for (const [format, bytes] of Object.entries(files)) assert.equal(pictureDate(bytes), date, format);
  assert.equal(pictureDate(png), undefined);
});

test('the date is read in either order of bytes, and from each of its tags', () => {
  for (const little of [true, false]) {
    for (const [tag, inExif] of [
      [0x9003, true],
      [0x9004, true],
      [0x132, false],
    ] as const) {
      assert.equal(pictureDate(exifWithDate('2024:05:04 17:31:02\0', { tag, inExif, little })), date);
    }
  }
  assert.equal(pictureDate(exifWithDate('    :  :     :  :  \0', taken)), undefined);
});

test('a damaged EXIF part never throws', () => {
  fc.assert(
    fc.property(fc.nat(79), fc.integer({ min: 0, max: 255 }), fc.nat(80), (at, value, length) => {
      const damaged = Buffer.from(tiff);
      damaged[at] = value;
      pictureDate(damaged.subarray(0, length));
    }),
    { numRuns: 500 },
  );
});
