import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openPicture } from '../../../../src/image/formats/open-picture.ts';
import type { Pixels } from '../../../../src/image/pixels/patches.ts';
import { pixtralImage } from '../../../helpers/pictures.ts';
import { rgbOf } from '../../../helpers/pixels.ts';

/** See fixtures/pdfs.py. */
interface Case {
  name: string;
  reader: string;
  size: [width: number, height: number];
  worst: number;
  mean: number;
  areas: string;
}

const fixtures = new URL('../../../../fixtures/', import.meta.url);
const cases = JSON.parse(await readFile(new URL('golden/pdfs.json', fixtures), 'utf8')) as Case[];

for (const { name, reader, size, worst, mean, areas } of cases) {
  test(`${name} looks as ${reader} draws it`, async () => {
    const bytes = await readFile(new URL(`pdfs/${name}`, fixtures));
    const opened = await openPicture({ bytes, name, image: pixtralImage, drawSize: 256 });
    try {
      const pixels = await opened.page(0);
      assert.deepEqual(pixels.warnings, []);
      assert.ok(Math.abs(pixels.width - size[0]) <= 1 && Math.abs(pixels.height - size[1]) <= 1);
      const expected = Buffer.from(areas, 'base64');
      const differences = averagedOf(pixels, size).map((value, at) => Math.abs(value - expected[at]!));
      const average = differences.reduce((sum, value) => sum + value, 0) / differences.length;
      assert.ok(average <= mean && Math.max(...differences) <= worst, `${average}, ${Math.max(...differences)}`);
    } finally {
      opened.close?.();
    }
  });
}

/** Every 8 x 8 pixels, [height / 8, width / 8, 3]. */
function averagedOf(pixels: Pixels, [width, height]: [number, number]): Float64Array {
  const rgb = rgbOf(pixels);
  const columns = width >> 3;
  const areas = new Float64Array(columns * (height >> 3) * 3);
  for (let y = 0; y < (height >> 3) * 8; y++) {
    for (let x = 0; x < columns * 8; x++) {
      const from = (Math.min(y, pixels.height - 1) * pixels.width + Math.min(x, pixels.width - 1)) * 3;
      const to = ((y >> 3) * columns + (x >> 3)) * 3;
      for (let channel = 0; channel < 3; channel++) areas[to + channel]! += rgb[from + channel]! / 64;
    }
  }
  return areas;
}
