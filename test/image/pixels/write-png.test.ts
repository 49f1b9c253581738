import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { encodePng } from '../../../src/image/pixels/write-png.ts';

const picture = (width: number, height: number, value: (at: number) => number) => ({
  width,
  height,
  bytes: Uint8Array.from({ length: width * height * 3 }, (_, at) => value(at)),
});
/** As restless as the grain of a photograph. */
const grain = (at: number): number => 100 + (Math.imul(at, 2_654_435_761) >>> 28);
const pictures = {
  grain: picture(160, 96, grain),
  flat: picture(160, 96, () => 255),
  'text on white': picture(160, 96, (at) => (Math.floor(at / 480) % 12 < 4 && Math.floor(at / 3) % 5 === 0 ? 0 : 255)),
  'every step': picture(256, 3, (at) => Math.floor(at / 3) % 256),
  'one pixel': picture(1, 1, (at) => 7 * at),
};

for (const [name, rgb] of Object.entries(pictures)) {
  for (const packing of ['small', 'fast'] as const) {
    test(`a PNG holds the very pixels it was made of, packed ${packing}: ${name}`, async () => {
      const { data, info } = await sharp(await encodePng(rgb, packing))
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height, info.channels], [rgb.width, rgb.height, 3]);
      assert.deepEqual(new Uint8Array(data), rgb.bytes);
    });
  }
}

test('what is sent is packed: grain to little more than its bits, what repeats to next to nothing', async () => {
  const share = async (rgb: typeof pictures.grain): Promise<number> =>
    (await encodePng(rgb, 'fast')).byteLength / rgb.bytes.byteLength;
  assert.ok((await share(pictures.grain)) < 0.75);
  assert.ok((await share(pictures.flat)) < 0.02);
  assert.ok((await share(pictures['text on white'])) < 0.05);
});
