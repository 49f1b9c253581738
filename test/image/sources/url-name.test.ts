import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listedSources, missingSource } from '../../../src/image/sources/expand.ts';
import { schemeSource } from '../../../src/image/sources/sources.ts';
import { urlName } from '../../../src/image/sources/url-name.ts';

const passwords = ['s3cret', 's3c@ret', 's3c:ret', 's3c/ret', 's3c#ret', 's3c?ret', 's3c\\ret', 's3c%ret', 's3c ret'];
passwords.push('@@s3c', '/s3c@', '12/s3c', '#1s3c', '"s3c"', '[s3c', 's3c]', 's3cé', '?s3c/#@');

for (const password of passwords) {
  test(`the password ${password} is shown nowhere`, () => {
    for (const start of ['http://', 'HTTPS://', 'http:/', 'http:', 'http:////', 'http:\\\\', 'ftp://']) {
      for (const end of ['@example.org/cat.png', '@localhost:8080/cat.png#2', '@[::1]/a.png', '@']) {
        const word = `${start}me:${password}${end}`;
        const name = schemeName(word) ?? missingSource(word).message;
        assert.doesNotMatch(name, /s3c/, word);
        assert.doesNotMatch(urlName(word), /s3c/, word);
      }
    }
  });
}

/** What a source is called, or what is said about its pages. */
function schemeName(word: string): string | undefined {
  try {
    return schemeSource(word)?.name;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

test('a password is not shown either where the scheme is misspelt, forgotten, or stands in a list', async () => {
  const words = ['h|tp://me:s3c@ret@127.0.0.1/a.png', 'htt\0p://me:s3c@h.example/?', 'me:s3cret@h.example:80/a.png'];
  words.push('@http://me:s3cret@h.example/list.txt', '@ftp://me:s3cret@h.example/x', 'ftp://me:s3cret@h.example/*.png');
  for (const word of words) {
    assert.doesNotMatch(urlName(word), /s3c/, word);
    const shown = (message: Error): boolean => !message.message.includes('s3c');
    await assert.rejects(listedSources(word, { folder: '/somewhere', where: 'line 1' }), shown, word);
  }
});

test('a word without a password stays as it is', () => {
  for (const word of [
    'https://example.org/@me/cat@2x.png',
    'https://example.org:8080/cat@2x.png',
    'http://localhost:80/a@b?c=d@e#f@g',
    'http://nas/cat@2x.png',
    'mail@example.org',
    'photo: me@home.png',
    'C:\\Users\\me@home.png',
    'scans/12:30@site.png',
    'data:image/svg+xml,<svg a="b@c">',
  ]) {
    assert.equal(urlName(word), word);
  }
});

test('what stands behind the password is still told apart', () => {
  assert.equal(urlName('https://me:secret@example.org/a@b.png'), 'https://***@example.org/a@b.png');
  assert.equal(schemeSource('https://me:secret@example.org/a.pdf#2')?.name, 'https://***@example.org/a.pdf');
});

test('a password behind what is no host is not shown, and very many dots take no time', () => {
  assert.doesNotMatch(urlName('http:\ufffd/me:s3cret@127.0.0.1/a.png'), /s3c/);
  assert.equal(urlName(`http://${'.'.repeat(1_000_000)}:x`).length, 1_000_009);
});
