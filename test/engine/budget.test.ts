import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMainMemory, chooseSequences } from '../../src/engine/budget.ts';
import type { Device } from '../../src/native/devices.ts';
import { convertedFiles } from '../helpers/loaded.ts';

const tiny = convertedFiles('f16');

const shape = { contextSize: 4096, cacheType: 'f16', batchSize: 512 } as const;

function sequences(
  memoryFree: number,
  wanted: { parallel: number | 'auto'; questions: number },
  isLoaded = false,
): number {
  const device = { kind: 'gpu', memoryFree } as Device;
  return chooseSequences(tiny.files, { ...shape, wanted, device, towerBytes: 0, isLoaded });
}

test('as many sequences at once as a GPU has memory for, never more than eight or than there are questions', () => {
  const auto = { parallel: 'auto', questions: 1000 } as const;
  const chosen = Array.from({ length: 60 }, (_, at) => sequences(2 ** 30 * (0.5 + at / 60), auto));
  assert.deepEqual(
    chosen,
    chosen.toSorted((one, other) => one - other),
  );
  assert.equal(chosen[0], 1);
  assert.equal(chosen.at(-1), 8);
  assert.equal(sequences(2 ** 40, { ...auto, questions: 3 }), 3);
  assert.equal(sequences(2 ** 40, { ...auto, questions: 0 }), 1);
});

test('what the user says is taken, but for questions that there are not', () => {
  assert.equal(sequences(0, { parallel: 12, questions: 1000 }), 12);
  assert.equal(sequences(2 ** 40, { parallel: 12, questions: 5 }), 5);
});

test('sequences that cannot fit into main memory are refused with --parallel as a remedy', () => {
  const huge = { ...shape, contextSize: 2 ** 31, gpuLayers: 0 };
  assert.throws(() => checkMainMemory(tiny.files, { ...huge, sequences: 64 }), {
    code: 'usage',
    message: /^--parallel 64: for each a context of 2147483648 tokens in f16 needs [\d.]+ GiB, [\d.]+ GiB are free$/,
    hint: 'use a smaller --parallel or --context, or --cache-type q8_0',
  });
  assert.throws(() => checkMainMemory(tiny.files, { ...huge, sequences: 1 }), {
    code: 'machine',
    message: /^memory: a context of 2147483648 tokens in f16 needs/,
    hint: 'use a smaller --context, or --cache-type q8_0',
  });
  checkMainMemory(tiny.files, { ...shape, sequences: 2, gpuLayers: 0 });
});
