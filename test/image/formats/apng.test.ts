import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { pngChunk } from '../../helpers/make-png.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

interface Part {
  x: number;
  width: number;
  grey: number;
  dispose?: 0 | 1 | 2;
}

/** One line of grey, 6 pixels wide; each frame is a part of it in one grey. */
function film(parts: readonly Part[], { defaultPicture = false } = {}): Buffer {
  const header = Buffer.from([0, 0, 0, 6, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const chunks = [pngChunk('IHDR', header), pngChunk('acTL', numbers(parts.length, 0))];
  if (defaultPicture) chunks.push(pngChunk('IDAT', line(6, 1)));
  let sequence = 0;
  for (const [index, { x, width, grey, dispose = 0 }] of parts.entries()) {
    chunks.push(
      pngChunk('fcTL', Buffer.concat([numbers(sequence++, width, 1, x, 0), Buffer.from([0, 1, 0, 9, dispose, 0])])),
    );
    if (index === 0 && !defaultPicture) chunks.push(pngChunk('IDAT', line(width, grey)));
    else chunks.push(pngChunk('fdAT', Buffer.concat([numbers(sequence++), line(width, grey)])));
  }
  chunks.push(pngChunk('IEND', Buffer.alloc(0)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

const line = (width: number, grey: number): Buffer => deflateSync(Buffer.from([0, ...Array<number>(width).fill(grey)]));

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
}

async function greysOf(bytes: Buffer, page: number): Promise<number[]> {
  return [...rgbOf(await decodeFile(bytes, { page }))].filter((_, at) => at % 3 === 0);
}

const parts: Part[] = [
  { x: 0, width: 6, grey: 10 },
  { x: 1, width: 2, grey: 20, dispose: 2 },
  { x: 4, width: 1, grey: 30, dispose: 1 },
  { x: 0, width: 1, grey: 40 },
];

test('a frame shows what earlier ones left: kept, taken back, or cleared to white', async () => {
  const expected = [
    [10, 10, 10, 10, 10, 10],
    [10, 20, 20, 10, 10, 10],
    [10, 10, 10, 10, 30, 10],
    [40, 10, 10, 10, 255, 10],
  ];
  for (const [index, greys] of expected.entries()) assert.deepEqual(await greysOf(film(parts), index + 1), greys);
});

test('a default picture outside the animation is no frame', async () => {
  assert.deepEqual(await greysOf(film(parts, { defaultPicture: true }), 1), [10, 10, 10, 10, 10, 10]);
});

test('a frame that reaches beyond the picture is refused', async () => {
  await assert.rejects(greysOf(film([parts[0]!, { x: 5, width: 2, grey: 1 }]), 1), {
    code: 'input',
    message: 'file: the PNG has a frame that reaches beyond its picture',
  });
});
