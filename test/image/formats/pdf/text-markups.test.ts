import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePdf } from '../../../helpers/make-pdf.ts';
import { decodeFile } from '../../../helpers/pictures.ts';
import { type Part, darkShare } from '../../../helpers/pixels.ts';

/** On an empty page of 200 by 200, in an annotation whose rectangle is larger than what is marked. */
const marked = (kind: string, corners: string) =>
  decodeFile(
    makePdf([
      {
        size: [200, 200],
        content: '',
        entries: `/Annots [<< /Type /Annot /Subtype /${kind} /Rect [5 5 195 195] /C [0 0 0] /QuadPoints [${corners}] >>]`,
      },
    ]),
  );

/** Shares of the page's width and height, from its upper left corner. */
const words: Part = { left: 0.2, top: 0.2, right: 0.8, bottom: 0.4 };
const orders: Record<string, string> = {
  'line by line': '40 160 160 160 40 120 160 120',
  'around, as the standard has it': '40 120 160 120 160 160 40 160',
  'around, from the upper edge': '40 160 160 160 160 120 40 120',
  'line by line, the lower first': '40 120 160 120 40 160 160 160',
  'line by line, from the right': '160 160 40 160 160 120 40 120',
};

for (const [name, corners] of Object.entries(orders)) {
  test(`a highlight whose corners go ${name} covers its words and nothing else`, async () => {
    const page = await marked('Highlight', corners);
    assert.ok(darkShare(page, words) > 0.97);
    const share = darkShare(page);
    assert.ok(Math.abs(share - 0.6 * 0.2) < 0.005, `${share} of the page`);
  });

  test(`a line under words whose corners go ${name} is at their lower edge`, async () => {
    const page = await marked('Underline', corners);
    const lower = { ...words, top: 0.38, bottom: 0.4 };
    assert.ok(darkShare(page, lower) > 0.1, `${darkShare(page, lower)} of the lower edge`);
    assert.equal(darkShare(page, { ...words, top: 0, bottom: 0.37 }), 0);
    assert.equal(darkShare(page, { ...words, top: 0.41, bottom: 1 }), 0);
  });
}

test('words that are read upwards have their line at the right', async () => {
  const page = await marked('Underline', '40 40 40 160 80 40 80 160');
  assert.ok(darkShare(page, { left: 0.38, top: 0.2, right: 0.4, bottom: 0.8 }) > 0.1);
  assert.equal(darkShare(page, { left: 0, top: 0, right: 0.37, bottom: 1 }), 0);
});

test('a highlight of words that stand askew stands askew', async () => {
  const page = await marked('Highlight', '40 60 140 160 60 40 160 140');
  const share = darkShare(page);
  const area = (Math.hypot(100, 100) * Math.hypot(20, 20)) / 200 ** 2;
  assert.ok(Math.abs(share - area) < 0.005, `${share} against ${area}`);
  assert.ok(darkShare(page, { left: 0.45, top: 0.45, right: 0.55, bottom: 0.55 }) > 0.97);
  assert.equal(darkShare(page, { left: 0, top: 0, right: 0.4, bottom: 0.4 }), 0);
});

test('marks on several lines of words mark each, with the place between them left', async () => {
  const page = await marked('Highlight', '40 160 160 160 40 120 160 120 40 80 100 80 40 40 100 40');
  const share = darkShare(page);
  assert.ok(Math.abs(share - (0.6 * 0.2 + 0.3 * 0.2)) < 0.005, `${share} of the page`);
});

test('a mark that says of no words where they are does no harm', async () => {
  for (const corners of ['', '1 2 3', '40 40 40 40 40 40 40 40']) {
    assert.ok(darkShare(await marked('Underline', corners)) < 0.1, corners);
  }
});
