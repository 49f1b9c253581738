import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecoderPool } from '../../../src/image/decoder/decoder-pool.ts';
import { type PdfPage, makePdf } from '../../helpers/make-pdf.ts';
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
  const counts = await processesOf(6, { maxCount: 3, maxBytes: 2 ** 20 });
  assert.equal(counts.length, 3);
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    6,
  );
});

test('there are no more decoders than files, nor than the memory would do for', async () => {
  assert.deepEqual(await processesOf(2, { maxCount: 4, maxBytes: 2 ** 20 }), [1, 1]);
  assert.deepEqual(await processesOf(3, { maxCount: 4, maxBytes: 2 ** 60 }), [3]);
});

const entry = new URL('../../../src/image/decoder/decoder-entry.ts', import.meta.url);
const page = (text: string): PdfPage => ({
  size: [200, 300],
  content: `BT /F1 40 Tf 20 200 Td (${text}) Tj ET`,
});
const document = (count: number): Uint8Array =>
  makePdf(Array.from({ length: count }, (_, index) => page(`page ${index + 1}`)));

test('the pages of one file come in their order and alike from several decoders, with all their parts', async () => {
  const limits = { milliseconds: 60_000, maxBytes: 2 ** 30 };
  const alone = new DecoderPool({ entry, limits, maxCount: 1 });
  const several = new DecoderPool({ entry, limits, maxCount: 3 });
  try {
    const crops = [
      { x: 0, y: 0, width: 30, height: 40 },
      { x: 5, y: 5, width: 60, height: 40 },
    ];
    const image = { patchSize: 16, maxImageSize: 128, spatialMergeSize: 1 };
    const ranges = [
      [3, 11],
      [1, 4],
      [3, 3],
    ] as const;
    const request = { name: 'a.pdf', bytes: document(12), image, crops: undefined, maxPages: 30 };
    const asked = [
      { ...request, selection: undefined },
      { ...request, selection: { kind: 'pages', ranges } as const, crops },
      { ...request, bytes: document(2), selection: undefined },
    ];
    for (const one of asked) {
      assert.deepEqual(await several.decode(one, undefined), await alone.decode(one, undefined));
    }
  } finally {
    alone.close();
    several.close();
  }
});

test('a page that cannot be had is the error of its file, whoever decodes it, and the next file fares well', async () => {
  const pool = new DecoderPool({ entry, limits: { milliseconds: 60_000, maxBytes: 2 ** 30 }, maxCount: 3 });
  try {
    const image = { patchSize: 16, maxImageSize: 128, spatialMergeSize: 1 };
    const crops = [{ x: 0, y: 0, width: 40, height: 100 }];
    const pages = Array.from({ length: 12 }, (_, index) => ({
      ...page('x'),
      ...(index === 9 && { size: [300, 100] }),
    }));
    const request = { name: 'a.pdf', bytes: makePdf(pages as PdfPage[]), image, crops, maxPages: 30 };
    await assert.rejects(pool.decode({ ...request, selection: undefined }, undefined), {
      code: 'input',
      message: /^a\.pdf: is 128x43, expected to hold 40x100/,
    });
    const selection = { kind: 'pages', ranges: [[1, 9]] } as const;
    assert.equal((await pool.decode({ ...request, selection }, undefined)).length, 9);
  } finally {
    pool.close();
  }
});
