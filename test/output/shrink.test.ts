import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PictureReceipt } from '../../src/asking/events.ts';
import { warnOfShrinking } from '../../src/output/shrink.ts';

const receipt = (source: string, width: number, more: Partial<PictureReceipt> = {}): PictureReceipt => ({
  source,
  sha256: source,
  width,
  height: width,
  seen: [1024, 1024],
  grid: [64, 64],
  tokens: 4160,
  ...more,
});

function warning(receipts: PictureReceipt[], json = false): string {
  let written = '';
  warnOfShrinking(receipts, { write: (text) => (written += text), json });
  return written;
}

test('up to four times fewer pixels are seen without a word', () => {
  assert.equal(warning([receipt('a.png', 1024), receipt('b.png', 2048)]), '');
});

test('beyond that one warning names the picture that lost most, and counts the others', () => {
  assert.equal(
    warning([receipt('a.png', 2100), receipt('b.png', 4096, { page: 3 }), receipt('c.png', 100)]),
    'warning: b.png, page 3: 4096x4096 is seen as 1024x1024, 16 times fewer pixels (1 more like it)\n' +
      'hint: --detail tiles shows parts at full resolution\n',
  );
});

test('an overview whose parts are seen at full resolution is none of them, a shrunk part is', () => {
  const part = receipt('a.png', 1024, { crop: [0, 0, 1024, 1024] });
  assert.equal(warning([receipt('a.png', 9000), part]), '');
  const large = receipt('a.png', 3000, { crop: [0, 0, 3000, 3000] });
  assert.match(warning([receipt('a.png', 9000), large]), /^warning: a\.png, 3000x3000 at 0,0: .*\nhint: .*--max-tiles/);
});

test('with --json it is one JSON line, and a name cannot move the cursor without', () => {
  const lines = warning([receipt('a.png', 4096)], true);
  assert.deepEqual(Object.keys(JSON.parse(lines) as object), ['version', 'warning', 'hint']);
  assert.ok(!warning([receipt('a\u001B[2J.png', 4096)]).includes('\u001B'));
});
