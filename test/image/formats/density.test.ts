import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodeFile } from '../../helpers/pictures.ts';

const millimetres = { inch: 25.4, cm: 10 };

async function shownOf(across: number, down: number, unit: 'inch' | 'cm' = 'inch') {
  const picture = sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } });
  const [xres, yres] = [across, down].map((dots) => dots / millimetres[unit]) as [number, number];
  const {
    width,
    height,
    warnings = [],
  } = await decodeFile(await picture.tiff({ xres, yres, resolutionUnit: unit }).toBuffer());
  return { size: [width, height], warnings: warnings.join() };
}

test('pixels that a TIFF says to be wider than high are shown so', async () => {
  const { size, warnings } = await shownOf(100, 200);
  assert.deepEqual(size, [80, 20]);
  assert.match(warnings, /100 by 200 pixels an inch or centimetre: it is stretched to match/);
  assert.deepEqual((await shownOf(40, 80, 'cm')).size, [80, 20]);
});

test('numbers of dots with which nothing is scanned say nothing about pixels', async () => {
  for (const [across, down] of [
    [0.1, 0.125],
    [1, 2],
    [72, 4],
    [300, 1200 * 4],
  ] as const) {
    const { size, warnings } = await shownOf(across, down);
    assert.deepEqual(size, [40, 20], `${across} by ${down}`);
    assert.match(warnings, /which is not believed: pixels are shown square/);
  }
  assert.deepEqual(await shownOf(0.5, 0.5), { size: [40, 20], warnings: '' });
});
