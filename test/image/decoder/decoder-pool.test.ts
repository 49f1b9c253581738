import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecoderPool } from '../../../src/image/decoder/decoder-pool.ts';
import { pixtralImage } from '../../helpers/pictures.ts';

/** Decodes so many files at once; gives the processes that did it, with how many files each had. */
async function processesOf(count: number, limits: { maxCount: number; maxBytes: number }): Promise<number[]> {
  const { maxCount, maxBytes } = limits;
  const entry = new URL('../../helpers/bad-decoder.mjs', import.meta.url);
  const pool = new DecoderPool({ entry, limits: { milliseconds: 30_000, maxBytes }, maxCount });
  try {
    const bytes = new Uint8Array(8);
    const request = { name: 'slow', bytes, image: pixtralImage, selection: undefined, crops: undefined, maxPages: 1 };
    const decoded = await Promise.all(Array.from({ length: count }, () => pool.decode(request, undefined)));
    const ids = decoded.map(([page]) => page!.width);
    return [...new Set(ids)].map((id) => ids.filter((other) => other === id).length);
  } finally {
    pool.close();
  }
}

test('files are decoded by several processes at once, each of which takes the next one', async () => {
  assert.deepEqual(await processesOf(6, { maxCount: 3, maxBytes: 2 ** 20 }), [2, 2, 2]);
});

test('there are no more decoders than files, nor than the memory would do for', async () => {
  assert.deepEqual(await processesOf(2, { maxCount: 4, maxBytes: 2 ** 20 }), [1, 1]);
  assert.deepEqual(await processesOf(3, { maxCount: 4, maxBytes: 2 ** 60 }), [3]);
});
