import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { splitPieces } from '../../src/tokenizer/split.ts';
import { characterKinds } from '../../src/tokenizer/unicode.ts';
import { splitByRegExp } from '../helpers/tekken-oracle.ts';

const kindOf = characterKinds();

function split(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  const pieces: string[] = [];
  splitPieces(bytes, { kindOf, piece: (start, end) => pieces.push(bytes.toString('utf8', start, end)) });
  return pieces;
}

// one of each kind of character that the pattern tells apart, in each length of UTF-8
const seams = [
  'A',
  'É',
  'ǅ',
  'a',
  'ß',
  'ʰ',
  '日',
  'क',
  '\u0301',
  '1',
  '½',
  ' ',
  '\t',
  '\u3000',
  '\n',
  '\r',
  '/',
  '.',
  "'",
  '🙂',
];
const astral = ['𐐀', '𐐨', '𝒳', '𝟘', '\ufeff', '\u0085', '\u200d'];

test('pieces are those of the pattern run as a RegExp', () => {
  const text = fc.array(fc.constantFrom(...seams, ...astral), { maxLength: 14 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (mixed) => {
      assert.deepEqual(split(mixed), splitByRegExp(mixed));
    }),
    { numRuns: 5000 },
  );
});

test('words, digits, symbols and blanks are cut where the pattern says', () => {
  assert.deepEqual(split("camelCase don't HTTPServer"), ['camel', 'Case', ' don', "'t", ' HTTPServer']);
  assert.deepEqual(split('12 3'), ['1', '2', ' ', '3']);
  assert.deepEqual(split('a  b\n\n  c '), ['a', ' ', ' b', '\n\n', ' ', ' c', ' ']);
  assert.deepEqual(split('!!\n/\n x'), ['!!\n/\n', ' x']);
});

test('a piece of five million characters is one piece, where a RegExp overflows', () => {
  assert.equal(split('日'.repeat(5_000_000)).length, 1);
});
