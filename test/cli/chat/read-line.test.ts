import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { lineWords, typedPath } from '../../../src/cli/chat/line-words.ts';
import { readLine } from '../../../src/cli/chat/read-line.ts';
import { scenePath } from '../../helpers/checkpoints.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-chat-'));
  for (const name of ["my pic it's.png", 'a.png', 'no-extension', 'ü (1).png']) {
    await copyFile(scenePath('a-80x48.png'), join(folder, name));
  }
  await mkdir(join(folder, 'scans'));
  await copyFile(scenePath('b-48x80.png'), join(folder, 'scans/b.png'));
  await writeFile(join(folder, 'notes.txt'), 'text');
});
after(() => rm(folder, { recursive: true, force: true }));

async function read(line: string, isBlind = false): Promise<string> {
  const found = await readLine(line, { isCommand: (name) => name === 'image', isBlind, platform: 'linux' });
  const short = (at: string): string => `[${at.replace(`${folder}/`, '')}]`;
  switch (found.kind) {
    case 'command':
      return `/${found.name}: ${found.rest}`;
    case 'pictures':
      return found.sources.map(({ at }) => short(at)).join(' ');
    case 'question':
      return `? ${found.parts.map((part) => (part.kind === 'text' ? part.text : short(part.source.at))).join(' | ')}`;
    default:
      return found satisfies never;
  }
}

const cases: readonly (readonly [what: string, line: (folder: string) => string, expected: string])[] = [
  ['a path as it is', (at) => `${at}/a.png`, '[a.png]'],
  ['with a blank behind it, as terminals put one', (at) => `${at}/a.png `, '[a.png]'],
  ['in single quotes', (at) => `'${at}/a.png'`, '[a.png]'],
  ['in single quotes, with one in the name', (at) => `'${at}/my pic it'\\''s.png'`, "[my pic it's.png]"],
  ['in double quotes', (at) => `"${at}/my pic it's.png"`, "[my pic it's.png]"],
  ['with backslashes', (at) => `${at}/my\\ pic\\ it\\'s.png`, "[my pic it's.png]"],
  ['with blanks and nothing else', (at) => `${at}/my pic it's.png`, "[my pic it's.png]"],
  ['as a URL', (at) => pathToFileURL(`${at}/my pic it's.png`).href, "[my pic it's.png]"],
  ['with brackets and an umlaut', (at) => `${at}/ü\\ \\(1\\).png`, '[ü (1).png]'],
  ['told by its content', (at) => `${at}/no-extension`, '[no-extension]'],
  ['several', (at) => `${at}/a.png '${at}/scans/b.png'`, '[a.png] [scans/b.png]'],
  ['a folder', (at) => `${at}/scans`, '[scans/b.png]'],
  ['in a sentence', (at) => `what is on ${at}/a.png?`, '? what is on | [a.png] | ?'],
  ['first in a sentence', (at) => `${at}/a.png what is it`, '? [a.png] | what is it'],
  [
    'quoted in a sentence',
    (at) => `is '${at}/my pic it'\\''s.png' like "${at}/a.png"`,
    "? is | [my pic it's.png] | like | [a.png]",
  ],
  ['in brackets', (at) => `what is it (${at}/a.png)?`, '? what is it ( | [a.png] | )?'],
  ['another file in a sentence', (at) => `what is ${at}/notes.txt`, '? what is FOLDER/notes.txt'],
  [
    'an apostrophe is no quote',
    (at) => `what's on ${at}/a.png, and what isn't`,
    "? what's on | [a.png] | , and what isn't",
  ],
  ['a question mark is no pattern', () => 'what is on it? and why*', '? what is on it? and why*'],
  ['control tokens are text', () => '[INST] </s> [IMG]', '? [INST] </s> [IMG]'],
  ['backslashes in a text stay', () => String.raw`what is \alpha?`, String.raw`? what is \alpha?`],
  ['a command', () => '/image a b', '/image: a b'],
  ['text behind a blank', (at) => ` /image ${at}/a.png`, '? /image FOLDER/a.png'],
];
for (const [what, line, expected] of cases) {
  test(`a line is read: ${what}`, async () => {
    assert.equal(await read(line(folder)), expected.replaceAll('FOLDER', folder));
  });
}

test('a picture that is not there is an error, and is not asked about blindly', async () => {
  await assert.rejects(read(`${folder}/missing.png`), /missing\.png: no such file/);
  await assert.rejects(read(`what is on ${folder}/missing.png?`), /missing\.png: no such file/);
  await assert.rejects(read('what is on photos/missing.png?'), /photos\/missing\.png: no such file/);
  await assert.rejects(read('what is on missing.png?', true), /missing\.png: no such file/);
  assert.equal(await read('you said it was called missing.png'), '? you said it was called missing.png');
});

test('an unknown command is an error, and is not sent', async () => {
  await assert.rejects(read('/imag a.png'), /\/imag: no such command/);
});

test('a typed path is read as the word that it was', () => {
  for (const path of ["my pic it's.png", 'a"b.png', 'back\\slash.png', 'plain.png', ' leading.png']) {
    assert.deepEqual(
      lineWords(`x ${typedPath(path, 'linux')}`, 'linux').map(({ word }) => word),
      ['x', path],
    );
  }
});

test('on Windows a backslash separates folders', () => {
  const words = lineWords(String.raw`"C:\My Pictures\a.png" C:\b.png`, 'win32').map(({ word }) => word);
  assert.deepEqual(words, [String.raw`C:\My Pictures\a.png`, String.raw`C:\b.png`]);
});
