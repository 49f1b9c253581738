import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seeded } from '../fuzz/mutate.ts';
import { readModelFiles } from '../../src/engine/runtime/model-files.ts';
import { AbortFlag } from '../../src/native/abort-flag.ts';
import { mainDevice } from '../../src/native/devices.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { type PatchGrid, VisionEncoder } from '../../src/vision/encoder.ts';
import { relativeError } from '../helpers/checkpoints.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let native: Native;
let pair: ConvertedPair;
let encoder: VisionEncoder;
const abort = new AbortFlag(); // its memory is read as long as the encoder is there
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
  pair = await convertedPair('mistral', 'f32', native);
  const { mmproj } = await readModelFiles(pair);
  encoder = await VisionEncoder.open({
    native,
    gguf: mmproj,
    device: mainDevice(native),
    threads: 2,
    abort,
  });
});
after(async () => {
  encoder.close();
  await pair.remove();
  await native.close();
});

const silent = { keepTower: false, signal: undefined };

const random = seeded(1);
function randomPatches(columns: number, rows: number): PatchGrid {
  const values = Float32Array.from({ length: columns * rows * 768 }, () => random(2 ** 20) / 2 ** 18 - 2);
  return { columns, rows, values };
}

test('several pictures take no more memory than the largest of them', async () => {
  await encoder.encode(randomPatches(16, 16), silent);
  const one = encoder.computeBytes;
  for (const [columns, rows] of [
    [16, 16],
    [3, 5],
    [16, 16],
    [1, 16],
  ] as const) {
    await encoder.encode(randomPatches(columns, rows), silent);
  }
  assert.equal(encoder.computeBytes, one);
});

test('a picture gives the same rows whatever was encoded before it', async () => {
  const picture = randomPatches(5, 3);
  const first = await encoder.encode(picture, silent);
  await encoder.encode(randomPatches(7, 9), silent);
  const second = await encoder.encode(picture, silent);
  assert.deepEqual(second.rows, first.rows);
});

test('a picture and its transpose are told apart: rows and columns have positions of their own', async () => {
  const wide = randomPatches(6, 2);
  const tall = { columns: 2, rows: 6, values: wide.values };
  const one = await encoder.encode(wide, silent);
  const other = await encoder.encode(tall, silent);
  assert.ok(relativeError(other.rows, one.rows) > 0.01);
});

test('values that do not fill the grid are refused before they reach the device', async () => {
  const { values } = randomPatches(2, 2);
  await assert.rejects(encoder.encode({ columns: 2, rows: 3, values }, silent), /3072 values for 2x3 patches/);
});
