import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { layersThatFit } from '../../../src/decoder/fit.ts';
import {
  checkMainMemory,
  chooseGpuLayers,
  chooseSequences,
  chooseThreads,
  towerWeightBytes,
} from '../../../src/engine/runtime/budget.ts';
import type { Device } from '../../../src/native/devices.ts';
import { convertedFiles } from '../../helpers/loaded.ts';

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

const gpuReserve = 512 * 2 ** 20;

function layers(memoryFree: number, { towerBytes = 0, loaded }: { towerBytes?: number; loaded?: number } = {}): number {
  const device = { kind: 'gpu', memoryFree } as Device;
  return chooseGpuLayers(tiny.files, { ...shape, sequences: 1, device, gpuLayers: 'auto', loaded, towerBytes });
}

test('layers for a GPU leave what the tower will take, weights included', () => {
  const { model: gguf, decoder: config } = tiny.files;
  const fitting = (freeBytes: number): number => layersThatFit({ gguf, config }, { ...shape, sequences: 1, freeBytes });
  const enough = Array.from({ length: 4096 }, (_, at) => at * 2 ** 16).find(
    (free) => fitting(free) === config.layers + 1,
  )!;
  const towerBytes = towerWeightBytes(tiny.files);
  assert.ok(towerBytes > 100_000);
  assert.equal(layers(gpuReserve + enough), config.layers + 1);
  assert.ok(layers(gpuReserve + enough, { towerBytes }) < config.layers + 1);
  assert.equal(layers(gpuReserve + enough + towerBytes, { towerBytes }), config.layers + 1);
});

test('layers that are loaded stay where they are, whatever is still free', () => {
  assert.equal(layers(0), 0);
  assert.equal(layers(0, { loaded: 3 }), 3);
  assert.equal(layers(2 ** 40, { loaded: 1 }), 1);
});

test("the tower's weights are those of the projector file", async () => {
  const { size } = await stat(tiny.files.mmproj.path);
  const bytes = towerWeightBytes(tiny.files);
  assert.ok(bytes < size && bytes > size * 0.9, `${bytes} of ${size}`);
});

test('a small model gets few threads, a large one every core that helps', () => {
  const sized = (megabytes: number) => {
    const tensor = { byteLength: megabytes * 2 ** 20 };
    return { model: { tensors: new Map([['token_embd.weight', tensor]]) } } as unknown as Parameters<
      typeof chooseThreads
    >[0];
  };
  assert.deepEqual(
    [1, 31, 32, 100, 8000].map((megabytes) => chooseThreads(sized(megabytes), 8)),
    [1, 1, 2, 6, 8],
  );
});
