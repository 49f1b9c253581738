import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type LoadOptions, type Picture, loadPictures } from '../../../src/image/decoder/load.ts';
import { PreparedPictures } from '../../../src/image/decoder/prepared-pictures.ts';
import { imagePath } from '../../helpers/corpus.ts';
import { pixtralImage } from '../../helpers/pictures.ts';

const options: LoadOptions = { image: pixtralImage, maxPages: 10 };
const file = async (name: string) => ({ name, bytes: await readFile(imagePath(name)) });
const withoutTime = (pictures: readonly Picture[]) => pictures.map((picture) => ({ ...picture, milliseconds: 0 }));
const memory = (maxBytes = 2 ** 26): PreparedPictures => new PreparedPictures({ maxBytes });

/** Whether the second is the very memory of the first: nothing was decoded. */
const isKept = ([before]: readonly Picture[], [now]: readonly Picture[]): boolean => before!.patches === now!.patches;

test('a file that was asked for before is what it was then, each page of it, without being decoded', async () => {
  for (const name of ['orientation-6.jpg', 'pages.tif', 'pages.pdf', 'frames.gif']) {
    const prepared = memory();
    const first = await prepared.load(await file(name), options);
    const again = await prepared.load(await file(name), options);
    assert.deepEqual(withoutTime(again), withoutTime(first));
    assert.deepEqual(withoutTime(again), withoutTime(await loadPictures(await file(name), options)));
    assert.ok(isKept(first, again), name);
  }
});

test('the same bytes by another name are known, and have that name', async () => {
  const prepared = memory();
  const first = await prepared.load(await file('rgb.png'), options);
  const again = await prepared.load({ ...(await file('rgb.png')), name: 'other.png' }, options);
  assert.equal(again[0]!.source, 'other.png');
  assert.equal(first[0]!.source, 'rgb.png');
  assert.ok(isKept(first, again));
});

test('what is asked for in another way is prepared in that way', async () => {
  const ways: Partial<LoadOptions>[] = [
    { image: { ...pixtralImage, maxImageSize: 32 } },
    { image: { ...pixtralImage, patchSize: 8 } },
    { selection: { kind: 'pages', ranges: [[2, 2]] } },
    { crops: [{ x: 0, y: 0, width: 100, height: 60 }] },
    { drawSize: 200 },
    { text: true },
    { form: 'png' },
  ];
  const prepared = memory();
  for (const way of [{}, ...ways, {}, ...ways]) {
    const asked = { ...options, ...way };
    const seen = withoutTime(await prepared.load(await file('pages.pdf'), asked));
    assert.deepEqual(seen, withoutTime(await loadPictures(await file('pages.pdf'), asked)), JSON.stringify(way));
  }
});

test('more pages than may be read are refused as if nothing was known, and other bytes are another file', async () => {
  const prepared = memory();
  await prepared.load(await file('frames.gif'), options);
  await assert.rejects(prepared.load(await file('frames.gif'), { ...options, maxPages: 3 }), {
    message: /4 pages to read, expected at most 3/,
  });
  const { bytes } = await file('frames.gif');
  await assert.rejects(prepared.load({ name: 'cut.gif', bytes: bytes.subarray(0, 40) }, options), /cut\.gif: /);
  await assert.rejects(prepared.load({ name: 'cut.gif', bytes: bytes.subarray(0, 40) }, options), /cut\.gif: /);
});

test('those used last stay, in so many bytes; what is larger by itself does not', async () => {
  const byteLength = (pictures: readonly Picture[]) =>
    pictures.reduce((sum, { patches }) => sum + patches.byteLength, 0);
  const names = ['rgb.png', 'orientation-6.jpg', 'orientation-3.jpg'] as const;
  const [one, two, three] = await Promise.all(names.map(async (name) => loadPictures(await file(name), options)));
  const prepared = memory(byteLength(one!) + Math.max(byteLength(two!), byteLength(three!)) + 3000); // any two of them
  const load = async (name: string) => prepared.load(await file(name), options);

  const [first, second] = [await load(names[0]), await load(names[1])];
  assert.ok(isKept(first, await load(names[0])));
  const third = await load(names[2]); // drives out the second, which was used before the first
  assert.ok(isKept(third, await load(names[2])));
  assert.ok(isKept(first, await load(names[0])));
  assert.ok(!isKept(second, await load(names[1])));

  const small = memory(byteLength(one!));
  assert.ok(!isKept(await small.load(await file(names[0]), options), await small.load(await file(names[0]), options)));
});
