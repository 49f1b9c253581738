import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';

const kinds: Readonly<Record<string, string>> = {
  'raw-nikon.nef': 'Nikon NEF',
  'raw-canon.cr2': 'Canon CR2',
  'raw-canon.cr3': 'Canon CR3',
  'raw-sony.arw': 'Sony ARW',
  'raw-adobe.dng': 'DNG',
  'raw-olympus.orf': 'Olympus ORF',
  'raw-panasonic.rw2': 'Panasonic RW2',
  'raw-fuji.raf': 'Fujifilm RAF',
};

for (const [name, kind] of Object.entries(kinds)) {
  test(`${name} says that it is a ${kind} and how large the picture inside of it is`, async () => {
    const { warnings } = await decodeFile(await readFile(imagePath(name)), { name });
    const size = /olympus|canon|fuji/.test(name) ? '1024x64' : '48x32';
    assert.deepEqual(warnings, [
      `it is a camera's raw file (${kind}), which is not developed here: the picture of ${size} inside of it is shown`,
    ]);
  });
}

for (const [name, largest] of [
  ['raw-thumbnail.dng', '16x12'],
  ['raw-thumbnail-lossy.dng', '16x12'],
  ['raw-thumbnail.nef', '20x14'],
  ['raw-thumbnail.raf', '160x120'],
] as const) {
  test(`${name} is refused with the name of a converter: its thumbnail is not the picture`, async () => {
    await assert.rejects(decodeFile(await readFile(imagePath(name)), { name }), {
      code: 'input',
      message: new RegExp(`^${name}: the camera's raw file \\(.+\\) holds no picture larger than ${largest}`),
      hint: /darktable-cli/,
    });
  });
}
