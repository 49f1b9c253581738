import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import sharp from 'sharp';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

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

for (const progressive of [false, true]) {
  const kind = progressive ? 'progressive' : 'baseline';
  test(`a ${kind} JPEG without its end marker is shown with a warning; one that lacks more is refused`, async () => {
    const pixels = Uint8Array.from({ length: 90 * 70 * 3 }, (_, at) => (at * 7 + (at % 3) * 40) % 251);
    const whole = await sharp(pixels, { raw: { width: 90, height: 70, channels: 3 } })
      .jpeg({ progressive })
      .toBuffer();
    const { warnings, ...shown } = await decodeFile(whole.subarray(0, -2));
    assert.deepEqual(warnings, ['it ends without the mark that ends a JPEG: some of it may be missing']);
    assert.deepEqual(rgbOf(shown), rgbOf(await decodeFile(whole)));
    for (const kept of [whole.length - 40, Math.round(whole.length * 0.7), 700]) {
      await assert.rejects(decodeFile(whole.subarray(0, kept)), {
        message: 'file: the JPEG ends before its picture does',
      });
    }
    for (const behind of ['ff', 'ffd8', 'ffe1ffff00', 'ffda', 'ffffffff']) {
      await assert.rejects(decodeFile(Buffer.concat([whole.subarray(0, 700), Buffer.from(behind, 'hex')])), {
        message: 'file: the JPEG ends before its picture does',
      });
    }
  });
}
