import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';

/** The frame's marker and its bits a sample. */
async function withFrame(marker: number, bits: number): Promise<Buffer> {
  const bytes = await readFile(imagePath('baseline.jpg'));
  const frame = bytes.indexOf('\xff\xc0', 0, 'latin1');
  bytes[frame + 1] = marker;
  bytes[frame + 4] = bits;
  return bytes;
}

const kinds: Record<string, { marker: number; bits: number }> = {
  'a JPEG of 12 bits': { marker: 0xc1, bits: 12 },
  'a lossless JPEG of 16 bits': { marker: 0xc3, bits: 16 },
  'a JPEG in layers \\(hierarchical\\)': { marker: 0xc5, bits: 8 },
  'a JPEG-LS': { marker: 0xf7, bits: 8 },
};
for (const [is, { marker, bits }] of Object.entries(kinds)) {
  test(`${is} is called what it is, not damaged`, async () => {
    await assert.rejects(decodeFile(await withFrame(marker, bits)), {
      code: 'input',
      message: new RegExp(`^file: is ${is}, expected one of 8 bits that is not in layers$`),
      hint: 'no decoder here reads it; save it as a usual JPEG or as a PNG first',
    });
  });
}

test('XMP turns no picture', async () => {
  const plain = await readFile(imagePath('baseline.jpg'));
  const xmp = 'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>';
  const part = Buffer.concat([Buffer.from([0xff, 0xe1, 0, xmp.length + 2]), Buffer.from(xmp)]);
  const { width, height } = await decodeFile(Buffer.concat([plain.subarray(0, 2), part, plain.subarray(2)]));
  assert.deepEqual([width, height], [48, 32]);
});
