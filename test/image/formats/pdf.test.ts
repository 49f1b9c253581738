import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePdf } from '../../helpers/make-pdf.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

test('letters of a PDF have grey edges, not those of a screen', async () => {
  const rgb = rgbOf(await decodeFile(makePdf([{ size: [200, 50], content: 'BT /F1 24 Tf 5 15 Td (Invoice) Tj ET' }])));
  const greys = new Set<number>();
  for (let at = 0; at < rgb.length; at += 3) {
    assert.ok(
      rgb[at] === rgb[at + 1] && rgb[at] === rgb[at + 2],
      `pixel ${at / 3}: ${rgb.subarray(at, at + 3).join()}`,
    );
    greys.add(rgb[at]!);
  }
  assert.ok(greys.size > 16, 'edges are smoothed');
});

test('a PDF that is locked says so', async () => {
  const secret = `<${'5a'.repeat(32)}>`;
  const trailer = `/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O ${secret} /U ${secret} >>`;
  await assert.rejects(decodeFile(makePdf([{ size: [200, 50], content: '' }], { trailer })), {
    code: 'input',
    message: 'file: the PDF is locked by a password',
    hint: 'save it without one',
  });
});

test('a PDF without pages, and one that is too narrow, are refused', async () => {
  await assert.rejects(decodeFile(makePdf([])), { code: 'input', message: 'file: the PDF has no pages' });
  await assert.rejects(decodeFile(makePdf([{ size: [1, 10_000], content: '' }])), {
    code: 'input',
    message: /too narrow/,
  });
});
