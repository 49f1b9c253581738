import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { decodeText } from '../../src/base/text.ts';

const decode = (bytes: Uint8Array): string => decodeText(bytes, 'list.txt');
const little = (text: string): Buffer => Buffer.from(text, 'utf16le');
const big = (text: string): Buffer => little(text).swap16();

function fourBytes(text: string, { isLittle }: { isLittle: boolean }): Buffer {
  const bytes = Buffer.alloc(text.length * 4);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (isLittle) bytes.writeUInt32LE(code, index * 4);
    else bytes.writeUInt32BE(code, index * 4);
  }
  return bytes;
}

test('UTF-8 and UTF-16 of both orders are read alike, and their mark is left out', () => {
  const anyText = fc.string({ unit: 'binary' }).filter((text) => !text.startsWith('\ufeff') && !text.includes('\0'));
  fc.assert(
    fc.property(anyText, (text) => {
      for (const bytes of [Buffer.from(`\ufeff${text}`), little(`\ufeff${text}`), big(`\ufeff${text}`)]) {
        assert.equal(decode(bytes), text);
      }
    }),
  );
  assert.equal(decode(Buffer.from('Straße 写真\n')), 'Straße 写真\n');
  assert.equal(decode(new Uint8Array()), '');
});

const german = 'Größe und Gewicht des Geräts\nfür jeden Löwen';
const latin = Buffer.from(german, 'latin1');
/** "写真を説明してください" and so on, as other programs encode them. */
const foreign: Record<string, { bytes: Buffer; says: RegExp }> = {
  'UTF-16 without a mark, little-endian': {
    bytes: little('photo.png\nother.png\n'),
    says: /^list\.txt: is UTF-16 \(little-endian\) without a byte order mark/,
  },
  'UTF-16 without a mark, big-endian': { bytes: big('photo.png\n'), says: /is UTF-16 \(big-endian\) without/ },
  'UTF-32 with a mark': { bytes: fourBytes('\ufeffphoto', { isLittle: true }), says: /is UTF-32 \(little-endian\)/ },
  'UTF-32 with the other mark': { bytes: fourBytes('\ufeffä', { isLittle: false }), says: /is UTF-32 \(big-endian\)/ },
  'UTF-32 without a mark': { bytes: fourBytes('photo.png', { isLittle: true }), says: /is UTF-32 \(little-endian\)/ },
  'Latin-1': { bytes: latin, says: /^list\.txt: is not UTF-8 at byte 3, expected UTF-8; it looks like Latin-1/ },
  'Latin-1 in a later line': {
    bytes: Buffer.from('plain\nand caf\xe9s\n', 'latin1'),
    says: /is not UTF-8 at byte 14, in line 2, /,
  },
  Shift_JIS: {
    bytes: Buffer.from('8eca905e82f090e096be82b582c482ad82be82b382a2', 'hex'),
    says: /at byte 1, .* looks like Shift_JIS/,
  },
  'EUC-JP': {
    bytes: Buffer.from('bccbbfbfa4f2c0e2ccc0a4b7a4c6a4afa4c0a4b5a4a4', 'hex'),
    says: /looks like EUC-JP/,
  },
  'EUC-KR': { bytes: Buffer.from('bbe7c1f8c0bb20bcb3b8edc7d8c1d6bcbcbfe4', 'hex'), says: /looks like EUC-KR/ },
  GB18030: { bytes: Buffer.from('c7ebc3e8caf6d5e2d5c5d5d5c6ac', 'hex'), says: /looks like GB18030 or Big5/ },
  'Windows-1251': {
    bytes: Buffer.from('cef7e8f8e820eaf0e0f1edfbe920', 'hex'),
    says: /looks like an encoding of one byte a letter/,
  },
  'ISO-2022-JP': { bytes: Buffer.from('\u001b$B<L??\u001b(B.png'), says: /is ISO-2022-JP/ },
  'half a UTF-16 character': {
    bytes: little('\ufeffa\ud800'),
    says: /is UTF-16LE by its byte order mark, but holds half/,
  },
  'UTF-16 that is cut': { bytes: little('\ufeffab').subarray(0, 5), says: /but ends within a character/ },
};
for (const [name, { bytes, says }] of Object.entries(foreign)) {
  test(`${name} is refused by name, never garbled`, () => {
    assert.throws(
      () => decode(bytes),
      (thrown) => {
        assert.ok(thrown instanceof PixtralError);
        assert.equal(thrown.code, 'input');
        assert.match(thrown.message, says);
        assert.match(thrown.hint ?? '', /UTF-8/);
        return true;
      },
    );
  });
}

test('a replacement character that stands in the text is no error, and does not hide the one behind it', () => {
  assert.equal(decode(Buffer.from('a\ufffdb')), 'a\ufffdb');
  assert.throws(() => decode(Buffer.concat([Buffer.from('a\ufffdb'), Buffer.from([0xc3])])), {
    message: /at byte 6,/,
  });
});
