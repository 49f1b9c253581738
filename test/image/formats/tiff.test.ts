import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodeFile } from '../../helpers/pictures.ts';

/** A fax whose one strip lies where its entries say that it does. */
async function fax({ start, byteLength }: { start?: number; byteLength?: number }): Promise<Buffer> {
  const grey = { raw: { width: 64, height: 48, channels: 1 } } as const;
  const samples = Uint8Array.from({ length: 64 * 48 }, (_, at) => (at % 64 < 40 ? 0 : 255));
  const bytes = await sharp(samples, grey)
    .toColourspace('b-w')
    .tiff({ compression: 'ccittfax4', bitdepth: 1 })
    .toBuffer();
  const directory = bytes.readUInt32LE(4);
  for (let entry = 0; entry < bytes.readUInt16LE(directory); entry++) {
    const at = directory + 2 + 12 * entry;
    const value = { 273: start, 279: byteLength }[bytes.readUInt16LE(at)];
    if (value !== undefined) bytes.writeUInt32LE(value, at + 8);
  }
  return bytes;
}

test('a fax without a byte of data is refused; one whose lines are damaged is shown with a warning', async () => {
  const whole = await decodeFile(await fax({}));
  assert.deepEqual([whole.width, whole.height, whole.warnings], [64, 48, undefined]);
  const cut = await decodeFile(await fax({ byteLength: 3 }));
  assert.deepEqual(cut.warnings, ['its data has faults: lines of it may be wrong']);
  await assert.rejects(fax({ start: 0, byteLength: 0 }).then(decodeFile), {
    code: 'input',
    message: /has no data for its pixels/,
  });
});
