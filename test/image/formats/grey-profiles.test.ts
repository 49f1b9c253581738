import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deflateSync, inflateSync } from 'node:zlib';
import { plainTiff } from '../../../src/image/formats/plain-tiff.ts';
import { readPngChunks } from '../../../src/image/formats/png.ts';
import { pngChunk } from '../../helpers/make-png.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

/** Dark: there a gamma of 2.2 is farthest from sRGB's curve. */
const width = 64;
const greys = Uint8Array.from({ length: width }, (_, x) => x);
const stored = readPngChunks(readFileSync(new URL('../../../fixtures/images/wide-gamma.png', import.meta.url)));
const packed = Buffer.from(stored.find(({ type }) => type === 'iCCP')!.content);
/** One for red, green and blue, whose greys are no sRGB's. */
const profile = inflateSync(packed.subarray(packed.indexOf(0) + 2));

function png(kind: number, bits: 8 | 16, samples: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(1, 4);
  header.set([bits, kind, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.alloc(1), samples]);
  const chunks: [string, Buffer][] = [
    ['IHDR', header],
    ['iCCP', packed],
    ['IDAT', deflateSync(line)],
    ['IEND', Buffer.alloc(0)],
  ];
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, ...chunks.map(([type, content]) => pngChunk(type, content))]);
}

/** Each sample, `count` times, and what else belongs to its pixel. */
const repeated = (count: number, ...more: number[]): Uint8Array =>
  Uint8Array.from([...greys].flatMap((grey) => [...Array.from({ length: count }, () => grey), ...more]));
const deep = Uint8Array.from([...greys].flatMap((grey) => [grey, grey]));

/** With another meaning of its samples, and one more tag of 16-bit numbers before its profile's, which is the last. */
function retagged(tiff: Uint8Array, photometric: number, [tag, numbers]: [tag: number, numbers: number[]]): Buffer {
  const plain = Buffer.from(tiff);
  const directory = plain.readUInt32LE(4);
  const count = plain.readUInt16LE(directory);
  const entries = Buffer.from(plain.subarray(directory + 2, directory + 2 + count * 12));
  for (let at = 0; at < entries.length; at += 12) {
    if (entries.readUInt16LE(at) === 262) entries.writeUInt16LE(photometric, at + 8);
  }
  const more = Buffer.alloc(12);
  more.writeUInt16LE(tag, 0);
  more.writeUInt16LE(3, 2);
  more.writeUInt32LE(numbers.length, 4);
  const values = Buffer.from(Uint16Array.from(numbers).buffer);
  if (values.length <= 4) values.copy(more, 8);
  else more.writeUInt32LE(directory + 2 + (count + 1) * 12 + 4, 8);
  const [before, last] = [entries.subarray(0, -12), entries.subarray(-12)];
  const head = Buffer.from([count + 1, 0]);
  return Buffer.concat([plain.subarray(0, directory), head, before, more, last, Buffer.alloc(4), values]);
}

const tiff = (model: 'grey' | 'rgb', values: Uint8Array | Uint16Array): Uint8Array =>
  plainTiff({ width, height: 1, model, values, profile });
const colorMap: [number, number[]] = [320, Array.from({ length: 3 * 256 }, (_, at) => (at % 256) * 257)];
const notSubsampled: [number, number[]] = [530, [1, 1]];

const expected = rgbOf(await decodeFile(png(2, 8, repeated(3))));
const files: Record<string, Uint8Array> = {
  'a PNG of grey': png(0, 8, greys),
  'a PNG of grey in 16 bits': png(0, 16, deep),
  'a PNG of grey with transparency': png(4, 8, repeated(1, 255)),
  'a TIFF of grey': tiff('grey', greys),
  'a TIFF of grey in 16 bits': tiff(
    'grey',
    Uint16Array.from(greys, (grey) => grey * 257),
  ),
  'a TIFF of red, green and blue': tiff('rgb', repeated(3)),
  'a TIFF with a palette': retagged(tiff('grey', greys), 3, colorMap),
  'a TIFF of luma and chroma': retagged(tiff('rgb', repeated(1, 128, 128)), 6, notSubsampled),
};

test('the greys of that profile are darker than those of sRGB', () => {
  const darker = [...greys].filter((grey, x) => expected[x * 3]! < grey - 3);
  assert.ok(darker.length > 4, `${darker.length} are`);
});

for (const [name, bytes] of Object.entries(files)) {
  test(`${name} with a profile for red, green and blue has its colours`, async () => {
    const page = await decodeFile(bytes);
    const rgb = rgbOf(page);
    const apart = Math.max(...rgb.map((value, at) => Math.abs(value - expected[at]!)));
    assert.ok(apart <= 1, `${apart} of 255 apart`);
    assert.deepEqual(page.warnings ?? [], []);
  });
}
