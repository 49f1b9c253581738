import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PixtralError } from '../../src/base/errors.ts';
import { withoutPasswords } from '../../src/base/without-passwords.ts';
import { noteLine } from '../../src/output/note.ts';
import { printError } from '../../src/output/errors.ts';

const passwords = ['s3cret', 's3c@ret', 's3c/ret', 's3c?re#t', 's3c\\ret', '"s3c"', '12/s3c', '@s3c', 's3c:80'];

test('a password in a URL is hidden wherever it stands in a text', () => {
  for (const password of passwords) {
    for (const around of ['%', '"%"', 'a.json: % is no file, b@c.example', '(%): 2 tries', '/a/folder/h|%']) {
      const text = around.replace('%', `http://me:${password}@h.example:80/a.png`);
      assert.doesNotMatch(withoutPasswords(text), /s3c/, text);
    }
  }
  assert.equal(withoutPasswords('see ftp://me@h.example/a, or b'), 'see ftp://***@h.example/a, or b');
});

test('what is no password stays', () => {
  for (const text of [
    'https://example.org/@me/cat@2x.png',
    'http://localhost:80/a@b?c=d@e#f@g',
    'http://localhost:8080: answered 500 to me@example.org',
    'http://[::1]:80/a@b',
    'unix:/run/x.sock me@there',
  ]) {
    assert.equal(withoutPasswords(text), text);
  }
});

test('very long texts take a time in proportion', () => {
  const text = `${'a://b:c'.repeat(200_000)} ${'a://b:c@'.repeat(100_000)}${'a://b:c'.repeat(100_000)}`;
  assert.ok(withoutPasswords(text).includes('***@'));
});

test('errors, their hints and causes, notes and traces of bugs show none', () => {
  const url = 'http://me:s3cret@h.example/a';
  const cause = new Error(`ENOENT: '${url}'`);
  const error = new PixtralError('usage', `${url}: no`, { hint: `give ${url}`, cause });
  let written = noteLine(url, { json: false }) + noteLine(url, { json: true });
  const sink = { isTTY: false, write: (text: string) => void (written += text) };
  for (const thrown of [error, cause]) {
    for (const json of [true, false]) printError(thrown, sink, { json, verbose: true, color: false });
  }
  assert.doesNotMatch(written, /s3cret/);
  assert.equal(written.split('http://***@h.example/a').length - 1, 9);
});
