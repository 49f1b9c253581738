import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findSources, missingSource } from '../../../src/image/sources/expand.ts';
import { globPaths, hasMagic, isSimpleGlob } from '../../../src/image/sources/glob.ts';

test('a pattern is told from a name', () => {
  for (const word of ['*.png', 'a?.png', 'a[12].png', 'a{1,2}.png', 'a{1..3}.png', '[[]', '[]]']) {
    assert.ok(hasMagic(word), word);
  }
  for (const word of ['a.png', 'a{1}.png', '[].png', 'a,b.png', '}{,', 'a]b[.png', '{', '[', '..']) {
    assert.ok(!hasMagic(word), word);
  }
});

test('what people write is simple enough', () => {
  for (const word of [
    'scans/**/*.png',
    '**/*_*_*.jp*g',
    '{jpg,png}/{1..30}/*.{jpg,jpeg,png,webp}',
    '2024-*/[01]?/DSC*',
  ]) {
    assert.ok(isSimpleGlob(word), word);
  }
});

const hostile = {
  stars: '*a'.repeat(5000),
  'stars between question marks': '*?'.repeat(1000),
  brackets: '['.repeat(100_000) + ']',
  commas: '{' + ','.repeat(100_000),
  'commas and braces': '{a,a}'.repeat(1000),
  globstars: '**/'.repeat(1000) + 'x',
  'open braces': '{,'.repeat(50_000),
  'nested braces': '{a,'.repeat(2000) + '}'.repeat(2000),
};
for (const [what, word] of Object.entries(hostile)) {
  test(`a word of very many ${what} names nothing, and is said to be no pattern or not there`, async () => {
    assert.ok(!isSimpleGlob(word) || !hasMagic(word));
    assert.equal(await findSources(word), undefined);
    const { code, message } = missingSource(word);
    assert.equal(code, 'input');
    assert.ok(message.length < 500, `${message.length} characters`);
  });
}

test('parentheses are part of a name', async () => {
  assert.equal(await findSources('none (1)*.png'), undefined);
  assert.ok(!hasMagic('+(a|b)'));
});

test('a pattern that leads through more than it may is an error that says so, and one that does not finds all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-glob-'));
  for (const name of ['a', 'b', 'c']) {
    await mkdir(join(folder, name));
    for (const picture of ['1.png', '2.png']) await writeFile(join(folder, name, picture), '');
  }
  const pattern = join(folder, '**/*.png');
  const within = (entries: number, milliseconds = 60_000) => globPaths(pattern, { entries, milliseconds });
  assert.equal((await within(9)).length, 6);
  await assert.rejects(within(8), {
    code: 'input',
    message: `${pattern}: leads through over 8 files and folders, expected a narrower pattern`,
  });
  const deep = join(folder, 'deep/'.repeat(200)); // one after the other, so no machine is there in a millisecond
  await mkdir(deep, { recursive: true });
  await assert.rejects(within(1000, 0), {
    code: 'input',
    message: /more files and folders than can be looked at in 0 s/,
  });
  await rm(folder, { recursive: true });
});

test('a pattern that begins with letters finds what the matcher finds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-glob-'));
  const before = process.cwd();
  try {
    await mkdir(join(folder, 'what do'));
    for (const name of ['IMG 1.png', 'img 2.png', 'what dots', 'Été 1.jpg', 'what do/you.png']) {
      await writeFile(join(folder, name), '');
    }
    process.chdir(folder);
    const found = { 'IMG ?.png': ['IMG 1.png'], 'im*': ['img 2.png'], 'what do?s': ['what dots'] };
    const nested = { 'what do*/you.png': ['what do/you.png'], 'Ét{é,x} ?.jpg': ['Été 1.jpg'] };
    const none = { 'what do you see?': [], 'Which?': [], '日本?': [], 'what do you*/a': [] };
    for (const [pattern, paths] of Object.entries({ ...found, ...nested, ...none })) {
      assert.deepEqual(await globPaths(pattern, { entries: 100, milliseconds: 60_000 }), paths, pattern);
    }
  } finally {
    process.chdir(before);
    await rm(folder, { recursive: true });
  }
});
