import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecoderConfig } from '../../src/decoder/config.ts';
import { cacheBytes, layersThatFit, memoryNeed } from '../../src/decoder/fit.ts';
import { convertedFiles } from '../helpers/loaded.ts';

const tiny = convertedFiles('f16');

test("the KV cache of Pixtral-12B's whole context takes 20 GiB in f16", () => {
  const config = { layers: 40, kvHeads: 8, headDim: 128 } as DecoderConfig;
  assert.equal(cacheBytes(config, 131_072, 'f16'), 20 * 2 ** 30);
  assert.equal(cacheBytes(config, 131_072, 'q8_0'), (20 * 2 ** 30 * 34) / 64);
});

test('more free memory never means fewer layers, and enough of it means all and the output', () => {
  const options = { contextSize: 4096, sequences: 1, cacheType: 'f16', batchSize: 512 } as const;
  const parts = { gguf: tiny.files.model, config: tiny.files.decoder };
  const { weights, cache, compute } = memoryNeed(parts, options);
  const whole = weights + cache + compute;
  const layers = Array.from({ length: 41 }, (_, i) =>
    layersThatFit(parts, { ...options, freeBytes: (whole * i) / 40 }),
  );
  assert.deepEqual(
    layers,
    layers.toSorted((one, other) => one - other),
  );
  assert.equal(layers[0], 0);
  assert.equal(layers.at(-1), tiny.files.decoder.layers + 1);
});
