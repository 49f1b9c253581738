import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFile } from '../../helpers/pictures.ts';

/** An icon of 16x16 with one bitmap of that depth, all zeros but for its header. */
function icon(bits: number): Buffer {
  const pixels = (16 * 16 * bits) / 8 + 16 * 4; // colours, then the mask
  const bytes = Buffer.alloc(22 + 40 + pixels);
  bytes.writeUInt16LE(1, 2);
  bytes.writeUInt16LE(1, 4);
  bytes.set([16, 16, 0, 0, 1, 0, bits, 0], 6);
  bytes.writeUInt32LE(40 + pixels, 14);
  bytes.writeUInt32LE(22, 18);
  bytes.writeUInt32LE(40, 22);
  bytes.writeInt32LE(16, 26);
  bytes.writeInt32LE(32, 30);
  bytes.writeUInt16LE(1, 34);
  bytes.writeUInt16LE(bits, 36);
  return bytes;
}

test('an icon of 16 bits a pixel is refused as that, not as damaged', async () => {
  await assert.rejects(decodeFile(icon(16)), {
    code: 'input',
    message: /is an icon of 16 bits a pixel, expected 1, 4, 8/,
  });
});

test('one of 24 bits, built alike, is read', async () => {
  const { width, height } = await decodeFile(icon(24));
  assert.deepEqual([width, height], [16, 16]);
});
