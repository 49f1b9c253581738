import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCanvas } from '@napi-rs/canvas';
import { type PdfPage, makePdf } from '../../../helpers/make-pdf.ts';
import { decodeFile } from '../../../helpers/pictures.ts';
import { rgbOf } from '../../../helpers/pixels.ts';

const pixelSize = [1200, 1800] as const;
const jpeg = scannedPage();
const entries = `/Type /XObject /Subtype /Image /Width ${pixelSize[0]} /Height ${pixelSize[1]} /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /DCTDecode`;
/** Says what holds anyway: reason enough to leave a picture to PDFium. */
const left = '/Decode [0 1 0 1 0 1]';

const size = [400, 600] as const;
const upright = 'q 400 0 0 600 0 0 cm /I Do Q';
const draw = (page: Partial<PdfPage>, more = '') =>
  decodeFile(
    makePdf([{ size, content: upright, images: { I: { entries: `${entries} ${more}`, bytes: jpeg } }, ...page }]),
  );

const wholePages: [name: string, page: Partial<PdfPage>][] = [
  ['upright', {}],
  ['turned by its page to the right', { entries: '/Rotate 90' }],
  ['turned by its page upside down', { entries: '/Rotate 180' }],
  ['turned by its page to the left', { entries: '/Rotate 270' }],
  ['turned by its matrix', { size: [600, 400], content: 'q 0 400 -600 0 600 0 cm /I Do Q' }],
  ['with words that nobody sees behind it', { content: `BT /F1 40 Tf 3 Tr 20 80 Td (words) Tj ET ${upright}` }],
];

for (const [name, page] of wholePages) {
  test(`a scan that is ${name} looks as PDFium draws it`, async () => {
    const [ours, theirs] = [rgbOf(await draw(page)), rgbOf(await draw(page, left))];
    assert.ok(meanDifference(ours, theirs) > 0, 'not drawn by PDFium');
    assert.ok(meanDifference(ours, theirs) < 2, `${meanDifference(ours, theirs)}`);
  });
}

const others: [name: string, page: Partial<PdfPage>, more?: string][] = [
  ['under words', { content: `${upright} BT /F1 40 Tf 20 80 Td (words) Tj ET` }],
  ['mirrored', { content: 'q -400 0 0 600 400 0 cm /I Do Q' }],
  ['not all of its page', { content: 'q 300 0 0 600 0 0 cm /I Do Q' }],
  ['clipped', { content: `q 100 100 100 100 re W n ${upright} Q` }],
  ['on a layer', {}, '/OC 3000 0 R'],
];

for (const [name, page, more] of others) {
  test(`a scan that is ${name} is drawn by PDFium`, async () => {
    const [ours, theirs] = [rgbOf(await draw(page, more)), rgbOf(await draw(page, `${more ?? ''} ${left}`))];
    assert.equal(meanDifference(ours, theirs), 0);
  });
}

test('a negative is shown as one', async () => {
  const [plain, negative] = [rgbOf(await draw({})), rgbOf(await draw({}, '/Decode [1 0 1 0 1 0]'))];
  assert.ok(
    meanDifference(
      plain,
      negative.map((value) => 255 - value),
    ) < 2,
  );
});

test('a document of several scans has each of them in its place, in any order', async () => {
  const other = scannedPage('#e0e8ff');
  const page = (bytes: Uint8Array): PdfPage => ({ size, content: upright, images: { I: { entries, bytes } } });
  const file = makePdf([page(jpeg), page(other), page(jpeg)]);
  const blues = [];
  for (const number of [1, 2, 3, 2, 1]) {
    const [red, , blue] = rgbOf(await decodeFile(file, { page: number }));
    blues.push(blue! - red! > 10);
  }
  assert.deepEqual(blues, [false, true, false, true, false]);
});

function scannedPage(paper = '#f6f4ee'): Uint8Array {
  const canvas = createCanvas(...pixelSize);
  const context = canvas.getContext('2d');
  context.fillStyle = paper;
  context.fillRect(0, 0, ...pixelSize);
  context.fillStyle = '#222';
  for (let line = 0; line < 60; line++) context.fillRect(100, 100 + line * 24, 300 + ((line * 397) % 600), 9);
  context.fillStyle = '#b03030';
  context.fillRect(700, 1500, 400, 200);
  return canvas.toBuffer('image/jpeg', 90);
}

function meanDifference(one: Uint8Array, other: Uint8Array): number {
  assert.equal(one.length, other.length);
  return one.reduce((sum, value, at) => sum + Math.abs(value - other[at]!), 0) / one.length;
}
