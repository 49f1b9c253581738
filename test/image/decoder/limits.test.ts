import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { imagePath } from '../../helpers/corpus.ts';
import { makePng } from '../../helpers/make-png.ts';
import { decodeFile } from '../../helpers/pictures.ts';

const bytesOf = (name: string): Promise<Buffer> => readFile(imagePath(name));
const claim = (width: number, height: number): Buffer => makePng({ width, height, bits: 8 }, Buffer.alloc(20));

/** A file of the corpus with bytes replaced from where `mark` stands, or after it. */
async function changed(name: string, mark: string, replacement: number[], offset = 0): Promise<Buffer> {
  const bytes = await bytesOf(name);
  const at = bytes.indexOf(mark, 0, 'latin1');
  assert.ok(at >= 0);
  bytes.set(replacement, at + offset);
  return bytes;
}

/** A directory entry of one LONG or SHORT: width or height. */
async function tiffOf(side: number): Promise<Buffer> {
  const bytes = await bytesOf('rgb.tif');
  const directory = bytes.readUInt32LE(4);
  for (let entry = 0; entry < bytes.readUInt16LE(directory); entry++) {
    const at = directory + 2 + entry * 12;
    if (![256, 257].includes(bytes.readUInt16LE(at))) continue;
    bytes.writeUInt16LE(4, at + 2);
    bytes.writeUInt32LE(side, at + 8);
  }
  return bytes;
}

function iconOf(png: Buffer): Buffer {
  const header = Buffer.from([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 32, 0, 0, 0, 0, 0, 22, 0, 0, 0]);
  header.writeUInt32LE(png.byteLength, 14);
  return Buffer.concat([header, png]);
}

const all = (length: number): number[] => Array<number>(length).fill(0xff);

const claims: Record<string, () => Buffer | Promise<Buffer>> = {
  PNG: () => claim(50_000, 50_000),
  JPEG: () => changed('baseline.jpg', '\xff\xc0', all(4), 5),
  WebP: () => changed('lossy-alpha.webp', 'VP8X', all(6), 12),
  'animated WebP': () => changed('frames.webp', 'VP8X', all(6), 12),
  GIF: () => changed('frames.gif', 'GIF89a', all(4), 6),
  AVIF: () => changed('rgb.avif', 'ispe', [0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50], 8),
  HEIC: () => changed('rgb.heic', 'ispe', [0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50], 8),
  TIFF: () => tiffOf(50_000),
  BMP: () => changed('palette.bmp', 'BM', [0x50, 0xc3, 0, 0, 0x50, 0xc3, 0, 0, 1, 0, 8, 0, 1], 18), // run lengths
  ICO: () => iconOf(claim(50_000, 50_000)),
};
for (const [format, bytes] of Object.entries(claims)) {
  test(`a small ${format} that claims a picture of gigabytes is refused by its header`, async () => {
    await assert.rejects(decodeFile(await bytes()), {
      code: 'input',
      message: /^file: is \d{5,}x\d{5,}, expected at most 250 megapixels and 32767 a side/,
    });
  });
}

const refusals: Record<string, { bytes: () => Uint8Array; says: RegExp }> = {
  'a text': { bytes: () => Buffer.from('no picture at all'), says: /^file: is a text file, expected a picture/ },
  nothing: { bytes: () => Buffer.alloc(0), says: /^file: is empty/ },
  'a web page': { bytes: () => Buffer.from('<!doctype html><svg></svg>'), says: /^file: is a web page/ },
  'a film': { bytes: () => Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0'), says: /^file: is a film/ },
  'the beginning of a PDF': { bytes: () => Buffer.from('%PDF-1.7\n\x00'), says: /^file: the PDF ends before/ },
  'the beginning of a HEIC': { bytes: () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0'), says: /the HEIC ends before/ },
  'a claim of 0x5': { bytes: () => claim(0, 5), says: /^file: is 0x5, expected at least one pixel/ },
  'a claim of 20000x1': { bytes: () => claim(20_000, 1), says: /^file: 20000x1 is too narrow/ },
};
for (const [what, { bytes, says }] of Object.entries(refusals)) {
  test(`${what} is refused as input`, async () => {
    await assert.rejects(decodeFile(bytes()), { code: 'input', message: says });
  });
}
