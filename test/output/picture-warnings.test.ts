import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PictureReceipt } from '../../src/asking/events.ts';
import { batchWarnings, warnOfPictures } from '../../src/output/picture-warnings.ts';

const receipt = (source: string, more: Partial<PictureReceipt> = {}): PictureReceipt => ({
  source,
  sha256: source,
  width: 16,
  height: 16,
  seen: [16, 16],
  grid: [1, 1],
  tokens: 2,
  ...more,
});

test('what could not be shown is said with the picture, its page and no control characters', () => {
  let written = '';
  const warnings = ['the text in \u001B[31mSimSun is not drawn', 'a stamp is not drawn'];
  warnOfPictures([receipt('a.pdf', { page: 2, warnings }), receipt('b.png')], {
    write: (text) => (written += text),
    json: false,
  });
  assert.ok(!written.includes('\u001B'), written);
  assert.match(written, /^warning: a\.pdf, page 2: the text in .*SimSun is not drawn\nwarning: a\.pdf, page 2: a/);
  assert.equal(written.split('\n').length, 3);
});

test('with --json a warning is a line of JSON', () => {
  let written = '';
  warnOfPictures([receipt('a.tif', { warnings: ['two bands are left out'] })], {
    write: (text) => (written += text),
    json: true,
  });
  assert.deepEqual(JSON.parse(written), { version: 1, warning: 'a.tif: two bands are left out' });
});

test('a batch says each sentence three times, and where the others stand', () => {
  const lines: string[] = [];
  const warn = batchWarnings({ write: (text) => lines.push(text), json: false });
  for (let number = 0; number < 10; number++) warn([receipt(`${number}.tif`, { warnings: ['one'] })]);
  warn([receipt('x.tif', { warnings: ['two'] })]);
  assert.deepEqual(lines, [
    'warning: 0.tif: one\n',
    'warning: 1.tif: one\n',
    'warning: 2.tif: one (more like it only in the answers, as "warnings")\n',
    'warning: x.tif: two\n',
  ]);
});
