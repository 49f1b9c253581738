import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { type PdfPage, makePdf } from '../../../helpers/make-pdf.ts';
import { decodeFile } from '../../../helpers/pictures.ts';

const warningsOf = async (page: PdfPage, options?: Parameters<typeof makePdf>[1]) =>
  (await decodeFile(makePdf([page], options))).warnings;
const size = [300, 200] as const;
const image = (filter: string, bytes: Uint8Array) => ({
  entries: `/Type /XObject /Subtype /Image /Width 64 /Height 64 /BitsPerComponent 8 /ColorSpace /DeviceGray ${filter}`,
  bytes,
});
const place = 'q 200 0 0 150 50 25 cm /I Do Q';

test('a page that is blank although something is in it says so; an empty one and one of a white image do not', async () => {
  assert.deepEqual(await warningsOf({ size, content: 'BT /F1 20 Tf 1 g 20 80 Td (Invoice) Tj ET' }), [
    'is blank, although there is text in it',
  ]);
  assert.deepEqual(await warningsOf({ size, content: 'BT /F1 20 Tf 20 800 Td (Invoice) Tj ET' }), [
    'is blank, although there is text in it',
  ]);
  assert.deepEqual(await warningsOf({ size, content: '' }), []);
  const white = image('', new Uint8Array(4096).fill(255));
  assert.deepEqual(await warningsOf({ size, content: place, images: { I: white } }), []);
  const hiddenText = `${place} BT /F1 20 Tf 3 Tr 20 80 Td (Invoice) Tj ET`;
  assert.deepEqual(await warningsOf({ size, content: hiddenText, images: { I: white } }), []);
});

test('an image that cannot be decoded is named with its filters', async () => {
  for (const filter of ['JPXDecode', 'JBIG2Decode']) {
    const broken = image(`/Filter /${filter}`, Buffer.from('no such picture'));
    const content = `BT /F1 20 Tf 5 5 Td (Invoice) Tj ET ${place}`;
    assert.deepEqual(await warningsOf({ size, content, images: { I: broken } }), [
      `has an image (${filter}) that cannot be decoded and is not drawn`,
    ]);
  }
});

test('a JPEG within the content is said, since what stands behind it is not read; one that is an object is not', async () => {
  const pixels = Buffer.alloc(64 * 64 * 3, 120);
  const jpeg = await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
  const inline = `q 200 0 0 150 50 25 cm BI /W 64 /H 64 /CS /RGB /BPC 8 /F /DCT ID ${jpeg.toString('latin1')}\nEI Q`;
  const said = ['has a JPEG within its drawing, and what comes after that may be missing'];
  assert.deepEqual(await warningsOf({ size, content: `${inline} 0 0 9 9 re f` }), said);
  const object = { ...image('/Filter /DCTDecode', jpeg) };
  object.entries = object.entries.replace('DeviceGray', 'DeviceRGB');
  assert.deepEqual(await warningsOf({ size, content: `0 0 9 9 re f ${place}`, images: { I: object } }), []);
});

test('the files of a portfolio are named, those attached to a document are not', async () => {
  const objects = [
    '<< /Type /Filespec /F (report.pdf) /UF (report.pdf) /EF << /F 3001 0 R >> >>',
    '<< /Type /EmbeddedFile /Length 4 >>\nstream\n<a/>\nendstream',
  ];
  const names = '/Names << /EmbeddedFiles << /Names [(report.pdf) 3000 0 R] >> >>';
  const page = { size, content: 'BT /F1 20 Tf 20 80 Td (Cover) Tj ET' };
  assert.deepEqual(await warningsOf(page, { catalog: names, objects }), []);
  assert.deepEqual(await warningsOf(page, { catalog: `${names} /Collection << /View /D >>`, objects }), [
    'is a portfolio, whose files are not shown: report.pdf',
  ]);
});
