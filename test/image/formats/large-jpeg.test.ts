import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { readJpeg } from '../../../src/image/formats/jpeg.ts';
import { isLargeJpeg, openLargeJpeg } from '../../../src/image/formats/large-jpeg.ts';
import { openWithSkia } from '../../../src/image/formats/skia.ts';
import { createKernel } from '../../../src/image/pixels/kernel.ts';
import { type Pixels, picturePatches } from '../../../src/image/pixels/patches.ts';
import { pixtralImage } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

const patches = (pixels: Pixels) => picturePatches(pixels, pixtralImage, createKernel());

const photo = await noise(1801, 1203);

for (let orientation = 1; orientation <= 8; orientation++) {
  test(`a large JPEG of orientation ${orientation} has the pixels and patches that Skia gives it, to the last bit`, async () => {
    const bytes = turned(photo, orientation);
    const jpeg = readJpeg(bytes);
    assert.ok(isLargeJpeg(jpeg));
    const large = await openLargeJpeg({ bytes, name: 'photo' }).page(0);
    const drawn = await openWithSkia(jpeg, 'photo').page(0);
    assert.deepEqual([large.width, large.height], [drawn.width, drawn.height]);
    assert.ok(Buffer.from(rgbOf(large)).equals(rgbOf(drawn)));
    assert.deepEqual(patches(large), patches(drawn));
  });
}

/** Smooth shapes under noise from a seed. */
function noise(width: number, height: number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  let state = 7;
  for (let at = 0; at < pixels.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    pixels[at] = ((at >> 3) % 200) + (state >>> 27);
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

function turned(jpeg: Buffer, orientation: number): Buffer {
  const exif = Buffer.from('Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1');
  exif.writeUInt16BE(orientation, 24);
  const start = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), start, exif, jpeg.subarray(2)]);
}
