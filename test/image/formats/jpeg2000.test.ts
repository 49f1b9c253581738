import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

const width = 53;
const height = 39;
type Sample = (x: number, y: number) => number[];

/** As fixtures/jpeg2000_channels.py has them. */
const colours: Sample = (x, y) => [x * 4, y * 6, 255 - x * 4];
const fourth = (x: number, y: number): number => x * 2 + y * 2 + 40;
const onWhite = (value: number, alpha: number): number => Math.round((value * alpha + 255 * (255 - alpha)) / 255);

function picture(sample: Sample): number[] {
  return Array.from({ length: height * width }, (_, at) => sample(at % width, Math.floor(at / width))).flat();
}

async function assertShown(bytes: Uint8Array, sample: Sample): Promise<void> {
  const pixels = await decodeFile(bytes);
  assert.deepEqual([pixels.width, pixels.height, pixels.warnings ?? []], [width, height, []]);
  assert.deepEqual([...rgbOf(pixels)], picture(sample));
}

/** With another definition of one of its channels: its index, type and colour. */
function redefined(bytes: Buffer, index: number, type: number, colour: number): Buffer {
  const changed = Buffer.from(bytes);
  const at = changed.indexOf('cdef') + 6 + index * 6;
  for (const [place, value] of [index, type, colour].entries()) changed.writeUInt16BE(value, at + place * 2);
  return changed;
}

test('a JPEG 2000 with opacity is shown on white, in colours and in grey', async () => {
  await assertShown(await readFile(imagePath('rgba.jp2')), (x, y) =>
    colours(x, y).map((value) => onWhite(value, fourth(x, y))),
  );
  await assertShown(await readFile(imagePath('grey-alpha.jp2')), (x, y) =>
    Array.from({ length: 3 }, () => onWhite(x * 4, fourth(x, y))),
  );
});

test('colours of a JPEG 2000 that were multiplied by their opacity are only put on white', async () => {
  const bytes = redefined(await readFile(imagePath('rgba.jp2')), 3, 2, 0);
  await assertShown(bytes, (x, y) => colours(x, y).map((value) => Math.min(255, value + 255 - fourth(x, y))));
});

test('a JPEG 2000 in inks is shown as Pillow takes them', async () => {
  await assertShown(await readFile(imagePath('cmyk.jp2')), (x, y) => {
    const light = 255 - fourth(x, y);
    return colours(x, y).map((ink) => light - Math.round((ink * light) / 255));
  });
});

test('a JPEG 2000 is refused by its kind whose components have different depths', async () => {
  const bytes = await readFile(imagePath('rgba.jp2'));
  const depths = bytes.indexOf(Buffer.from([0xff, 0x4f, 0xff, 0x51])) + 42;
  bytes[depths + 9] = 0; // one bit of opacity, as GDAL writes it
  await assert.rejects(decodeFile(bytes, { name: 'a.jp2' }), {
    message: 'a.jp2: the JPEG 2000 has components of different depths, which is not read here',
  });
});

test('components that a JPEG 2000 says nothing of are left out with a warning', async () => {
  for (const name of ['2-8.jp2', '4-8.jp2']) {
    const { warnings } = await decodeFile(await readFile(imagePath(name)));
    assert.deepEqual(warnings, ['has components beside its colours of which it says nothing: they are left out']);
  }
});

test('a JPEG 2000 is refused whose components nobody can tell, or are in another order', async () => {
  const rgba = await readFile(imagePath('rgba.jp2'));
  const bare = rgba.subarray(rgba.indexOf('jp2c') + 4);
  const says = (what: string) => ({ message: `file: the JPEG 2000 ${what}, which is not read here` });
  await assert.rejects(decodeFile(bare), says('has 4 components and does not say what they are'));
  await assert.rejects(decodeFile(redefined(rgba, 0, 0, 3)), says('has its colours in another order'));
  await assert.rejects(decodeFile(rgba.subarray(0, 400)), /JPEG 2000 cannot be decoded/);
});
