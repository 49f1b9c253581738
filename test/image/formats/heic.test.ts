import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

async function withName(file: string, from: string, to: string): Promise<Buffer> {
  const bytes = await readFile(imagePath(file));
  const at = bytes.indexOf(`\0\0${from}`, 0, 'latin1');
  assert.ok(at >= 0);
  bytes.write(to, at + 2, 'latin1');
  return bytes;
}

test('a picture in a codec that is not decoded is called what it is', async () => {
  await assert.rejects(decodeFile(await withName('rgb.heic', 'hvc1', 'vvc1')), {
    code: 'input',
    message: 'file: is a HEIF with a picture in VVC (H.266), expected one in HEVC (HEIC) or AV1 (AVIF)',
  });
});

test('an AVIF that is only called HEIF is shown', async () => {
  const bytes = await readFile(imagePath('rgb.avif'));
  const end = bytes.readUInt32BE(0);
  const opening = bytes
    .subarray(8, end)
    .toString('latin1')
    .replaceAll(/avif|avis|miaf|MA1[AB]/g, 'mif1');
  bytes.write(opening, 8, 'latin1');
  assert.deepEqual(rgbOf(await decodeFile(bytes)), rgbOf(await decodeFile(await readFile(imagePath('rgb.avif')))));
});

test('a picture cut short is refused, bytes behind it are not missed', async () => {
  for (const name of ['rgb.heic', 'rgb.avif', 'frames.avif', 'table-last.heic']) {
    const bytes = await readFile(imagePath(name));
    const isTableLast = name.startsWith('table-last');
    await assert.rejects(decodeFile(bytes.subarray(0, -20)), {
      code: 'input',
      message: /ends before its picture does/,
    });
    assert.ok(isTableLast || (await decodeFile(Buffer.concat([bytes, Buffer.alloc(50, 0xee)]))).width > 0);
  }
});
