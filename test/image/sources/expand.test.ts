import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { findSources, isNamedLikeSource, missingSource } from '../../../src/image/sources/expand.ts';
import { imagePath } from '../../helpers/corpus.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-expand-'));
  await mkdir(join(folder, 'deep/er'), { recursive: true });
  await mkdir(join(folder, 'empty'));
  for (const name of [
    'p10.png',
    'p9.png',
    'P1.png',
    '.hidden.png',
    'deep/er/x.png',
    'no-extension',
    'odd #1.png',
    '[a].png',
  ]) {
    await copyFile(imagePath('pixel.png'), join(folder, name));
  }
  await writeFile(join(folder, 'notes.txt'), 'no picture');
  await writeFile(join(folder, 'broken.jpg'), 'no picture either');
  await writeFile(join(folder, 'empty/readme.txt'), 'no picture');
});
after(() => rm(folder, { recursive: true, force: true }));

/** Paths relative to the folder, each with its selection's kind. */
async function find(word: string): Promise<string[] | undefined> {
  const sources = await findSources(word);
  return sources?.map(({ kind, at, selection }) => {
    const place = kind === 'path' ? relative(folder, at) : at;
    return selection ? `${place} ${JSON.stringify(selection)}` : place;
  });
}

test("a folder is its pictures by name or content, in natural order, hidden ones and folders' left out", async () => {
  const pictures = ['[a].png', 'broken.jpg', 'no-extension', 'odd #1.png', 'P1.png', 'p9.png', 'p10.png'];
  assert.deepEqual(await find(folder), pictures);
  await assert.rejects(find(join(folder, 'empty')), { code: 'input', message: /empty: is a folder without pictures/ });
});

test('a glob finds in natural order, in folders too, and a name that looks like a glob wins', async () => {
  assert.deepEqual(await find(join(folder, 'p*.png')), ['p9.png', 'p10.png']);
  assert.deepEqual(await find(join(folder, '{p9,P1}.png')), ['P1.png', 'p9.png']);
  assert.deepEqual(await find(join(folder, '**/x.png')), ['deep/er/x.png']);
  assert.deepEqual(await find(join(folder, '[a].png')), ['[a].png']);
  assert.equal(await find(join(folder, 'q*.png')), undefined);
});

test('pages are chosen behind a #, and a name with a # wins', async () => {
  const two = '{"kind":"pages","ranges":[[2,2]]}';
  assert.deepEqual(await find(join(folder, 'odd #1.png')), ['odd #1.png']);
  assert.deepEqual(await find(join(folder, 'odd #1.png#2')), [`odd #1.png ${two}`]);
  assert.deepEqual(await find(join(folder, 'p*.png#2')), [`p9.png ${two}`, `p10.png ${two}`]);
  await assert.rejects(find(join(folder, 'p9.png#x')), { code: 'usage', message: /p9\.png#x: "x" is no page number/ });
  assert.equal(await find(join(folder, 'none.pdf#2')), undefined);
});

test('a list is read relative to its folder, with comments, globs, pages and Windows line ends', async () => {
  const lines = [
    '\ufeff# these',
    'p9.png',
    '',
    '  p*0.png#2 ',
    'odd #1.png',
    join(folder, 'P1.png'),
    'https://example.org/a.png',
    'deep/er',
  ];
  await writeFile(join(folder, 'list.txt'), lines.join('\r\n'));
  assert.deepEqual(await find(`@${join(folder, 'list.txt')}`), [
    'p9.png',
    'p10.png {"kind":"pages","ranges":[[2,2]]}',
    'odd #1.png',
    'P1.png',
    'https://example.org/a.png',
    'deep/er/x.png',
  ]);
});

for (const [text, says] of Object.entries({
  'p9.png\nnone.png\n': /list, line 2: .*none\.png: no such file/,
  '-\n': /list, line 1: -, expected neither standard input nor another list/,
  '@other\n': /list, line 1: @other, expected neither/,
  '# nothing\n': /list: is a list without pictures/,
})) {
  test(`the list ${JSON.stringify(text)} is refused`, async () => {
    await writeFile(join(folder, 'list'), text);
    await assert.rejects(find(`@${join(folder, 'list')}`), { code: 'input', message: says });
  });
}

test('prompts name nothing', async () => {
  const prompts = [
    'What is this?',
    '{1}',
    'x{1}{2}',
    '',
    '@someone',
    'a [b] c?',
    '**bold**',
    'nul\0',
    'x'.repeat(10_000),
  ];
  for (const prompt of prompts) {
    assert.equal(await findSources(prompt), undefined, prompt);
    assert.equal(isNamedLikeSource(prompt), false, prompt);
  }
});

test('no file has a zero byte in its name, also where a pattern leads through such a folder', async () => {
  for (const word of ['a\0/*.png', join(folder, '\0b/?.png'), join(folder, 'c\0', '{x,y}.png')]) {
    assert.equal(await findSources(word), undefined);
  }
});

test('what is named like a picture or a list is one, and is said to be missing', () => {
  for (const word of ['none.png', 'none.pdf#2-5', 'a.gif#every=3', '@list.txt', 'x*.jpg']) {
    assert.equal(isNamedLikeSource(word), true, word);
  }
  assert.match(missingSource('none.png').message, /^none\.png: no such file, expected a picture$/);
  assert.match(missingSource('@list.txt').message, /^list\.txt: no such file, expected a list of pictures$/);
  assert.match(missingSource('x*.jpg').message, /^x\*\.jpg: matches no file, expected pictures$/);
});
