import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { createMerger } from '../../src/tokenizer/bpe.ts';
import { tekken } from '../helpers/tekken.ts';
import { mergeSlowly } from '../helpers/tekken-oracle.ts';

const pixtral = tekken();
const merge = createMerger(pixtral.vocabulary);

function mergePiece(piece: string): number[] {
  const bytes = Buffer.from(piece, 'utf8');
  const out: number[] = [];
  if (bytes.length > 0) merge({ bytes, start: 0, end: bytes.length, out });
  return out;
}

test('a piece that is a token is that token', () => {
  assert.deepEqual(mergePiece(' image'), [3937]);
});

test('the heap merges as the definition does', () => {
  const letters = fc.string({
    unit: fc.constantFrom('a', 'b', 'e', 'n', 't', 'T', ' ', 'é', '日', '本'),
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.oneof(letters, fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })), (piece) => {
      const slow = mergeSlowly(pixtral, piece);
      const fast = mergePiece(piece);
      // a whole token is taken as it is, even where merging would not arrive at it
      if (fast.length > 1) assert.deepEqual(fast, slow);
    }),
    { numRuns: 400 },
  );
});

test('equal letters merge from the left', () => {
  for (let length = 1; length < 70; length++) {
    const piece = 'a'.repeat(length);
    const fast = mergePiece(piece);
    if (fast.length > 1) assert.deepEqual(fast, mergeSlowly(pixtral, piece));
  }
});

test('hundreds of thousands of equal letters merge, which takes minutes where merging is quadratic', () => {
  for (const letter of ['a', '日']) {
    const piece = letter.repeat(letter === 'a' ? 300_000 : 100_000);
    assert.equal(pixtral.decode(mergePiece(piece)), piece);
  }
});
