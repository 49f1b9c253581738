import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { textFilter } from '../../src/tokenizer/text-filter.ts';

const path = 'fixtures/checkpoints/mistral/tekken.json';
const tekken = tekkenFromJson(readFileSync(path), path);
const endOfText = tekken.id('</s>');
const firstByte = Array.from({ length: tekken.vocabularySize }, (_, id) => id).findIndex((id) => !tekken.isControl(id));

const isText = (bytes: number[]): boolean => {
  try {
    return !new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes)).includes('\0');
  } catch {
    return false;
  }
};

test('bytes pass exactly when they are UTF-8 without NUL, whether they come one by one or not', () => {
  // Bytes around every limit of RFC 3629, where random ones hardly ever meet.
  const edge = fc.constantFrom(
    0,
    0x41,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe1,
    0xed,
    0xee,
    0xef,
    0xf0,
    0xf1,
    0xf4,
    0xf5,
    0xff,
  );
  const property = fc.property(fc.array(edge, { minLength: 1, maxLength: 6 }), (bytes) => {
    const filter = textFilter(tekken, { endsText: (id) => id === endOfText });
    let passes = true;
    for (const byte of bytes) {
      if (!filter.allows(firstByte + byte)) passes = false;
      if (passes) filter.accept(firstByte + byte);
    }
    // A character may still be open at the end: then some continuation makes it whole.
    const completions = [[], [0x80], [0x80, 0x80], [0x80, 0x80, 0x80], [0xa0, 0x80], [0x90, 0x80, 0x80]];
    assert.equal(
      passes,
      completions.some((more) => isText([...bytes, ...more])),
    );
  });
  fc.assert(property, { numRuns: 2000 });
});

test('control tokens never come, but for the one that ends the text', () => {
  const { never } = textFilter(tekken, { endsText: (id) => id === endOfText });
  assert.ok(never.includes(tekken.id('[INST]')) && never.includes(tekken.id('[IMG]')));
  assert.ok(!never.includes(endOfText) && !never.includes(firstByte));
});
