import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { ggufTokenizer } from '../../src/tokenizer/gguf-keys.ts';
import { jsonBytes, tekken, tinyFile } from '../helpers/tekken.ts';

const sha256 = (lines: readonly string[]): string => createHash('sha256').update(lines.join('\n')).digest('hex');

test('all splits of a token are merges, in order of its rank and then of the two parts', () => {
  const { merges } = ggufTokenizer(tekkenFromJson(jsonBytes(tinyFile()), 'tekken.json'));
  assert.deepEqual(merges, ['a b', 'b c', 'a bc', 'ab c', 'Ġ a', 'Ã ©', 'Ġ ab', 'Ġa b']);
});

test("Pixtral's tokens and merges are those that llama.cpp's converter writes", () => {
  const { tokens, types, merges, ...ids } = ggufTokenizer(tekken());
  assert.equal(tokens.length, 131072);
  assert.equal(merges.length, 269443);
  assert.equal(sha256(tokens), 'a979aeb78bd35106a247ba6ae171f67acee5e34d16fa55e2cf43c6364fc74b74');
  assert.equal(sha256(merges), 'b1b0165185b1925118c2f7b1e978439b02010c3a420ebfec5c19a093a0d9b4cb');
  assert.deepEqual([types[0], types[999], types[1000], types[131071]], [3, 3, 1, 1]);
  assert.deepEqual(ids, { bos: 1, eos: 2, unk: 0, pad: 11 });
});
