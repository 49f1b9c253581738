import assert from 'node:assert/strict';
import { test } from 'node:test';
import { characterKinds } from '../../src/tokenizer/unicode.ts';
import { golden } from '../helpers/tekken.ts';

test('every code point is of the kind that the regex engine of mistral-common sees', () => {
  const kindOf = characterKinds();
  const runs = golden('kinds') as [first: number, kind: number][];
  const wrong: string[] = [];
  for (const [i, [first, kind]] of runs.entries()) {
    const end = runs[i + 1]?.[0] ?? 0x110000;
    for (let codePoint = first; codePoint < end; codePoint++) {
      const isSurrogate = codePoint >= 0xd800 && codePoint < 0xe000;
      if (!isSurrogate && (kindOf(codePoint) & 63) !== kind) wrong.push(codePoint.toString(16));
    }
  }
  assert.deepEqual(
    wrong,
    [],
    `Node's Unicode ${process.versions['unicode']} has letters that src/tokenizer/unicode.ts does not list`,
  );
});
