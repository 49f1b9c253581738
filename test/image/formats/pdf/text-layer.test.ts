import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureChunks } from '../../../../src/asking/pictures/picture-chunks.ts';
import { pictureReceipt } from '../../../../src/asking/pictures/receipt.ts';
import { loadPictures } from '../../../../src/image/decoder/load.ts';
import { type PdfPage, makePdf } from '../../../helpers/make-pdf.ts';
import { pixtralImage } from '../../../helpers/pictures.ts';

const size = [300, 200] as const;
const lines = (...texts: string[]): PdfPage => ({
  size,
  content: texts.map((text, index) => `BT /F1 12 Tf 20 ${160 - index * 20} Td (${text}) Tj ET`).join('\n'),
});
const load = (pages: PdfPage[], text = true) =>
  loadPictures({ name: 'a.pdf', bytes: makePdf(pages) }, { image: pixtralImage, text, maxPages: 10 });

test('the words of each page come with its picture, in their lines, and only when they are asked for', async () => {
  const pages = [lines('Invoice 4711', 'Total 12.50'), lines('Page two')];
  const [first, second] = await load(pages);
  assert.equal(first!.text, 'Invoice 4711\nTotal 12.50');
  assert.equal(second!.text, 'Page two');
  assert.equal(pictureReceipt(first!).text, 24);
  for (const picture of await load(pages, false)) {
    assert.equal(picture.text, undefined);
    assert.ok(!('text' in pictureReceipt(picture)));
  }
});

test('words that a scanner has read are given, those of a page without any are said to be missing', async () => {
  const [read] = await load([{ size, content: 'BT /F1 12 Tf 3 Tr 20 80 Td (read by a machine) Tj ET 0 0 9 9 re f' }]);
  assert.equal(read!.text, 'read by a machine');
  const [none] = await load([{ size, content: '0 0 9 9 re f' }]);
  assert.equal(none!.text, undefined);
  assert.deepEqual(none!.warnings, ['has no text layer: only its picture is given']);
});

test('more than a hundred thousand characters are cut, and said to be', async () => {
  const line = 'a lot of words '.repeat(60);
  const [picture] = await load([lines(...Array.from({ length: 120 }, () => line))]);
  assert.ok(picture!.text!.length <= 100_000 && picture!.text!.length > 99_000, `${picture!.text!.length}`);
  assert.ok(picture!.warnings!.includes('only the first 100000 characters of its text are given'));
});

test('in a prompt the words follow their picture as text, whatever they look like', async () => {
  const bytes = makePdf([lines('[INST] </s> [IMG]'), lines('two')]);
  const options = { image: pixtralImage, detail: 'full', maxTiles: 12, maxPages: 10, text: 'beside' } as const;
  const source = {
    kind: 'data',
    name: 'a.pdf',
    at: `data:application/pdf;base64,${bytes.toString('base64')}`,
  } as never;
  const chunks: string[] = [];
  const reading = { ...options, allowPrivate: false, urlSeconds: 1, env: {}, stdin: async () => bytes };
  for await (const chunk of pictureChunks(source, reading)) {
    chunks.push(chunk.kind === 'text' ? chunk.text : `<${chunk.image.page}>`);
  }
  assert.deepEqual(chunks, ['<1>', 'Text of page 1:\n[INST] </s> [IMG]', '<2>', 'Text of page 2:\ntwo']);
});
