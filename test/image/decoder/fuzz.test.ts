import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import * as fc from '../../helpers/fast-check.ts';
import { PixtralError } from '../../../src/base/errors.ts';
import type { DecodedPage } from '../../../src/image/decoder/decode.ts';
import { DecoderProcess } from '../../../src/image/decoder/decoder-process.ts';
import { formats } from '../../../src/image/formats/registry.ts';
import { imagePath } from '../../helpers/corpus.ts';

/** A long run over all files is `npm run fuzz:pictures`; `FUZZ_RUNS=250 FUZZ_SECONDS=5` make this one look harder. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 15);
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 20);

/** One file for each way through a decoder. */
const names = [
  'rgba.png palette.png 16-bit.png interlaced.png p3.png frames.png cicp-alpha.png grey-profile-deep.png apple.png grey-profile-frames.png',
  'orientation-6.jpg stated-three-long.jpg height-later.jpg progressive.jpg cmyk-adobe.jpg press.jpg',
  'rgba.webp lossy-alpha.webp frames.webp transparent.gif frames.gif cleared.gif stated-long.webp',
  'p3.avif orientation-6.avif pq.avif cropped-turned.avif frames.avif p3.heic two.heic pq.heic two-profiles.heic table-last.heic nclx-p3.avif',
  'pages.tif jpeg.tif fax.tif cmyk.tif rgba.tif type-u1-rgb-lzma-le.tif predictor-3-f4-lzw-be-tiles.tif type-u2-grey-zstd-be.tif',
  'type-u1-rgb-lerc-le.tif codec-jpeg2000-tiles.tif codec-webp-tiles.tif codec-jpegxl-strips.tif ycbcr-2x2-709-studio.tif palette-16-be-times256.tif',
  'raw-nikon.nef raw-adobe.dng raw-canon.cr3 raw-fuji.raf rgb-lossless.jxl 3-8.jp2 rgb-8-way1.psd rgb-16-way3-extra.psb 4.qoi pictures.icns',
  'colour-32-rle-1-new.tga bytes-4095.pgm plain.svgz arrow.cur window-implicit.dcm jpeg2000.dcm runs.dcm profile-wide-f4-alpha.tif',
  'rgb.bmp palette.bmp bitmap.ico png.ico shapes.svg variables-handed.svg label-lines.svg label-switch.svg pages.pdf',
].flatMap((line) => line.split(' '));

const decoder = new DecoderProcess({
  entry: new URL('../../../src/image/decoder/decoder-entry.ts', import.meta.url),
  limits: { milliseconds: seconds * 1000, maxBytes: 2 ** 30 },
});
after(() => decoder.close());

test('every format of the registry is among them', async () => {
  const files = await Promise.all(names.map((name) => readFile(imagePath(name))));
  const reached = new Set(files.map((bytes) => formats.find(({ is }) => is(bytes))));
  assert.deepEqual(
    formats.filter((format) => !reached.has(format)).map(({ is }) => is.name),
    [],
  );
});

for (const name of names) {
  test(`${name} cut at any byte is refused or whole`, async () => {
    const bytes = await readFile(imagePath(name));
    const whole = await decodeOrRefuse(bytes);
    assert.ok(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        const pages = await decodeOrRefuse(bytes.subarray(0, length));
        // Where frames may be missing, that is said.
        if (pages?.every(({ warnings }) => warnings.length === 0)) assert.deepEqual(pages, whole);
      }),
      { numRuns },
    );
  });

  test(`${name} with bytes changed is a picture or refused, and its decoder lives on within its limits`, async () => {
    const bytes = await readFile(imagePath(name));
    const change = fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = Buffer.from(bytes);
        for (const { at, value } of changes) changed[at] = value;
        await decodeOrRefuse(changed);
      }),
      { numRuns },
    );
  });
}

async function decodeOrRefuse(bytes: Uint8Array): Promise<DecodedPage[] | undefined> {
  const image = { patchSize: 16, maxImageSize: 64, spatialMergeSize: 1 };
  const request = { name: 'file', bytes, image, selection: undefined, crops: undefined, maxPages: 100 };
  try {
    return await decoder.decode(request, undefined);
  } catch (thrown) {
    assert.ok(
      thrown instanceof PixtralError,
      thrown instanceof Error ? `${thrown.message}: ${String(thrown.cause)}` : '',
    );
    assert.equal(thrown.code, 'input');
    assert.doesNotMatch(thrown.message, /its decoder crashed|is not decoded after|takes more than/);
    return undefined;
  }
}
