import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PdfPage, makePdf } from '../../../helpers/make-pdf.ts';
import { decodeFile } from '../../../helpers/pictures.ts';
import { darkShare, rgbOf } from '../../../helpers/pixels.ts';

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

const letters: PdfPage = { size: [300, 200], content: 'BT /F1 40 Tf 20 80 Td (INVOICE) Tj ET' };

test('a linearized file is whole if it is as long as its first object says, which means nothing in another place', async () => {
  const whole = makePdf([{ size: [100, 100], content: '1 0 0 rg 0 0 100 100 re f' }]);
  const [mark, said] = [whole.indexOf('\n') + 1, Buffer.from('900 0 obj\n<< /Linearized 1 /L 99999 >>\nendobj\n')];
  const second = whole.indexOf('endobj\n') + 'endobj\n'.length;
  const withSaid = (at: number): Buffer => Buffer.concat([whole.subarray(0, at), said, whole.subarray(at)]);
  await assert.rejects(decodeFile(withSaid(mark)), { message: 'file: the PDF ends before its picture does' });
  assert.equal((await decodeFile(withSaid(second))).width > 0, true);
});

test('what comes after the end mark does not matter, unless it is the beginning of more', async () => {
  const whole = makePdf([letters]);
  const expected = rgbOf(await decodeFile(whole));
  const footer = '\r\n<!-- served -->\r\n' + '<div>footer</div>\r\n'.repeat(120);
  for (const tail of ['\0'.repeat(1024), '\0'.repeat(5000), footer, '\x1a']) {
    assert.deepEqual(rgbOf(await decodeFile(Buffer.concat([whole, Buffer.from(tail)]))), expected);
  }
  const cutUpdate = Buffer.concat([whole, Buffer.from('10 0 obj\n<< /Type /Page /Parent')]);
  for (const cut of [cutUpdate, whole.subarray(0, whole.length - 60)]) {
    await assert.rejects(decodeFile(cut), { message: 'file: the PDF ends before its picture does' });
  }
});

test('pages of any nominal size are drawn to the size that the model sees', async () => {
  for (const scale of [1 / 300, 1, 14_400 / 300]) {
    const size = [300 * scale, 200 * scale] as const;
    const content = `q ${scale} 0 0 ${scale} 0 0 cm ${letters.content} Q`;
    const pixels = await decodeFile(makePdf([{ size, content }]));
    assert.deepEqual([pixels.width, pixels.height], [1024, 683]);
    assert.ok(darkShare(pixels) > 0.01, `${scale}`);
  }
});
