import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { type GgufTokenizerKeys, tekkenFromGguf } from '../../src/tokenizer/from-gguf.ts';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { tokenizerVersions } from '../../src/tokenizer/tekken.ts';
import { ggufTokenizer } from '../../src/tokenizer/gguf-keys.ts';
import {
  areSameKeys,
  ggufKeys,
  goldenTexts,
  jsonBytes,
  spelledTokens,
  stringArray,
  tekken,
  tinyFile,
} from '../helpers/tekken.ts';

const tiny = tekkenFromJson(jsonBytes(tinyFile()), 'tekken.json');
const keys = ggufKeys(tiny);

test('the whole vocabulary gives the ids and the keys of tekken.json', () => {
  const loaded = tekkenFromGguf(ggufKeys(tekken()), 'model.gguf');
  assert.equal(loaded.vocabularySize, 131072);
  for (const [text, ids] of goldenTexts()) {
    assert.deepEqual(loaded.encode(text), ids, JSON.stringify(text));
  }
  assert.ok(areSameKeys(ggufTokenizer(loaded), ggufTokenizer(tekken())));
});

test("others' files load: no version, no types, and the name that llama.cpp gives Hugging Face copies", () => {
  const others = { ...keys, pre: 'pixtral', version: undefined, types: undefined };
  assert.equal(tekkenFromGguf(others, 'model.gguf').version, 'v3');
  assert.equal(tekkenFromGguf({ ...others, chatTemplate: '[SYSTEM_PROMPT]' }, 'model.gguf').version, 'v7');
  assert.deepEqual(tekkenFromGguf(others, 'model.gguf').encode('abcé'), tiny.encode('abcé'));
});

test('the version and settings of a file of ours are those of its tekken.json', () => {
  for (const version of tokenizerVersions) {
    const loaded = tekkenFromGguf(ggufKeys(tekken(version)), 'model.gguf');
    assert.equal(loaded.version, version);
    assert.deepEqual(loaded.settings, tekken(version).settings);
  }
});

test('other tokenizers are refused, in one line that names what is wrong', () => {
  const types = keys.types!;
  const words = spelledTokens(tiny);
  const refused: [change: Partial<GgufTokenizerKeys>, message: RegExp][] = [
    [{ model: 'llama' }, /tokenizer\.ggml\.model is "llama", expected "gpt2": a SentencePiece tokenizer/],
    [{ model: 'bert' }, /tokenizer\.ggml\.model is "bert", expected "gpt2"/],
    [{ model: undefined }, /tokenizer\.ggml\.model is undefined/],
    [{ pre: 'llama-bpe' }, /tokenizer\.ggml\.pre is "llama-bpe"/],
    [{ version: 'v16' }, /pixtral\.tokenizer\.version is "v16"/],
    [{ version: 'v15' }, /pixtral\.tokenizer\.model_settings is missing/],
    [{ version: 'v15', settings: '{' }, /model_settings: not JSON/],
    [{ version: 'v15', settings: '{"voice":{}}' }, /model_settings_builder\.voice/],
    [{ types: types.subarray(1) }, /281 token types for 282 tokens/],
    [{ types: types.slice().fill(3, 281) }, /token 281 has type 3/],
    [{ types: types.slice().fill(1, 0, 1) }, /token 0 has type 1/],
    [{ tokens: stringArray(words.slice(0, 20)), types: undefined }, /no token for the byte 0/],
    [{ tokens: stringArray(words.slice(0, 200)), types: undefined }, /180 ordinary tokens/],
    [{ tokens: stringArray([...words.slice(0, 281), 'ab']) }, /ranks 256 and 261 are equal/],
    [{ tokens: stringArray([...words.slice(0, 281), '日']) }, /token 281 is not spelled in the byte alphabet/],
    [{ tokens: stringArray([...words.slice(0, 281), '']) }, /rank 261 has 0 bytes/],
    [{ tokens: stringArray([...words.slice(0, 281), 'a'.repeat(2000)]) }, /rank 261 has 2000 bytes/],
    [{ tokens: { ...keys.tokens, count: 2 ** 31 } }, /2147483648 tokens/],
    [{ tokens: { ...keys.tokens, count: 283 } }, /ends/],
  ];
  for (const [change, message] of refused) {
    assert.throws(
      () => tekkenFromGguf({ ...keys, ...change }, 'model.gguf'),
      (thrown: unknown) => {
        assert.ok(thrown instanceof PixtralError, String(thrown));
        assert.equal(thrown.code, 'model');
        assert.match(thrown.message, /^model\.gguf: [^\n]+$/);
        assert.match(thrown.message, message);
        return true;
      },
    );
  }
});

test('tokens cut at any byte, or with any byte changed, load or are a model error', () => {
  const { bytes } = keys.tokens;
  const at = fc.nat(bytes.length - 1);
  const change = fc.oneof(
    at.map((length) => bytes.slice(0, length)),
    fc.tuple(at, fc.nat(255)).map(([offset, value]) => Uint8Array.from(bytes).fill(value, offset, offset + 1)),
  );
  fc.assert(
    fc.property(change, (changed) => {
      try {
        tekkenFromGguf({ ...keys, tokens: { ...keys.tokens, bytes: changed } }, 'model.gguf');
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    }),
    { numRuns: 1000 },
  );
});
