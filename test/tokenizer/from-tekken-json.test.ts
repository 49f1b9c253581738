import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { tokenizerVersions } from '../../src/tokenizer/tekken.ts';
import { jsonBytes, tekken, tekkenFile, tinyFile } from '../helpers/tekken.ts';

type Json = Record<string, unknown>;

/** The tiny file with some of its values replaced, also inside `config`. */
function bent(changes: Json): Json {
  const file = tinyFile();
  const { config, ...rest } = changes;
  return { ...file, config: { ...(file['config'] as Json), ...(config as Json | undefined) }, ...rest };
}

/** What the tiny file has to have more for v15. */
const tinyV15: Json = { config: { version: 'v15' }, special_tokens: [{ rank: 0, token_str: '<unk>' }] };

const load = (file: Json) => tekkenFromJson(jsonBytes(file), 'tekken.json');

function assertRefused(file: Json, message: RegExp): void {
  assert.throws(
    () => load(file),
    (thrown: unknown) => {
      assert.ok(thrown instanceof PixtralError, String(thrown));
      assert.equal(thrown.code, 'model');
      assert.match(thrown.message, /^tekken\.json: [^\n]+$/);
      assert.match(thrown.message, message);
      return true;
    },
  );
}

test('a small file loads, and its few tokens merge by rank', () => {
  const tiny = load(tinyFile());
  assert.equal(tiny.vocabularySize, 282);
  assert.deepEqual(tiny.image, { patchSize: 16, maxImageSize: 1024, spatialMergeSize: 1 });
  assert.deepEqual(tiny.encode('abcé ab'), [278, 280, 281]);
});

test('a file without special tokens has the frozen twenty, then fillers', () => {
  const { controls } = tekken('v3').vocabulary;
  assert.deepEqual(controls.slice(0, 5), ['<unk>', '<s>', '</s>', '[INST]', '[/INST]']);
  assert.deepEqual(controls.slice(17, 22), [
    '[SYSTEM_PROMPT]',
    '[/SYSTEM_PROMPT]',
    '[TOOL_CONTENT]',
    '<SPECIAL_20>',
    '<SPECIAL_21>',
  ]);
  assert.equal(controls.length, 1000);
});

test('every version reads its own control tokens and image sizes', () => {
  for (const version of tokenizerVersions) {
    assert.equal(tekken(version).version, version);
    assert.equal(tekken(version).image?.maxImageSize, 1024);
  }
  assert.equal(tekken('v13').id('[THINK]'), 35);
  assert.equal(tekken('v13').settings, undefined);
  assert.deepEqual(tekken('v15').settings, {
    reasoningEffort: { values: ['none', 'low', 'high'], default: 'none' },
    jsonSchema: true,
  });
  const image = { image_patch_size: 14, max_image_size: 1540, spatial_merge_size: 2 };
  assert.deepEqual(load(bent({ image })).image, { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 });
});

test('files that mistral-common refuses are refused, in one line that names what is wrong', () => {
  const vocab = tinyFile()['vocab'] as Json[];
  const swapped = [...vocab.slice(0, 97), vocab[98]!, vocab[97]!, ...vocab.slice(99)];
  assertRefused(bent({ config: { version: 'v2' } }), /config\.version is "v2", expected one of v3, v7, v11, v13, v15/);
  assertRefused(bent({ config: { version: 'v11' } }), /special_tokens is missing/);
  assertRefused(bent({ config: { pattern: '\\s+' } }), /config\.pattern/);
  assertRefused(bent({ config: { default_vocab_size: 283 } }), /vocab has 262 entries, expected at least 263/);
  assertRefused(bent({ config: { default_vocab_size: 1e12 } }), /default_vocab_size is 1000000000000/);
  assertRefused(bent({ config: { default_num_special_tokens: 19, default_vocab_size: 281 } }), /20 special tokens/);
  assertRefused(bent({ vocab: swapped }), /vocab\[97\]/);
  assertRefused(bent({ vocab: vocab.with(5, { rank: 5, token_bytes: 'BQ=', token_str: null }) }), /base64/);
  assertRefused(bent({ vocab: vocab.with(261, { ...vocab[256], rank: 261 }) }), /ranks 256 and 261 are equal/);
  assertRefused(
    bent({
      special_tokens: [
        { rank: 0, token_str: 'a' },
        { rank: 1, token_str: 'a' },
      ],
    }),
    /two control tokens/,
  );
  assertRefused(bent({ special_tokens: [{ rank: 1, token_str: 'a' }] }), /special_tokens\[0\]\.rank is 1/);
  assertRefused(bent({ image: { image_patch_size: 0, max_image_size: 1024 } }), /image_patch_size is 0/);
  const v13 = { ...tekkenFile('v13'), image: undefined, multimodal: { image_patch_size: 16, max_image_size: 1024 } };
  assertRefused(v13, /multimodal/);
  assertRefused(bent({ model_settings_builder: {} }), /stands in a file of v3, which has none/);
  const settings = (builder: unknown): Json => bent({ ...tinyV15, model_settings_builder: builder });
  assertRefused(settings(undefined), /model_settings_builder is missing, v15 must have it/);
  assertRefused(settings([]), /model_settings_builder is an array/);
  assertRefused(settings({ voice: {} }), /model_settings_builder\.voice is a setting that no known version has/);
  assertRefused(settings({ reasoning_effort: { values: ['none'], default: 'high' } }), /default is "high"/);
  assertRefused(settings({ reasoning_effort: { values: ['some'], default: 'some' } }), /values has "some"/);
  assertRefused(settings({ reasoning_effort: { values: ['low', 'low'], default: 'low' } }), /values has "low"/);
  assertRefused(settings({ json_schema: { type: 'enum' } }), /json_schema\.type is "enum"/);
});

test('settings for audio do not keep a file from being read', () => {
  const audio = { sampling_rate: 16000, frame_rate: 12.5, audio_encoding_config: { num_mel_bins: 128 } };
  assert.deepEqual(load(bent({ audio })).image, load(tinyFile()).image);
});

test('a file cut at any byte, or not JSON at all, is a model error', () => {
  const bytes = jsonBytes(tinyFile());
  const cut = fc.integer({ min: 0, max: bytes.length - 1 });
  fc.assert(
    fc.property(cut, (length) => {
      assert.throws(() => tekkenFromJson(bytes.subarray(0, length), 'tekken.json'), PixtralError);
    }),
    { numRuns: 50 },
  );
  assert.throws(() => tekkenFromJson(Buffer.from([0xff, 0xfe]), 'tekken.json'), PixtralError);
});

test('a file with any value replaced loads or is a model error', () => {
  const keys = fc.constantFrom('config', 'vocab', 'special_tokens', 'image', 'multimodal');
  const configKeys = fc.constantFrom('pattern', 'default_vocab_size', 'default_num_special_tokens', 'version');
  const change = fc.oneof(
    fc.tuple(keys, fc.jsonValue()).map(([key, value]) => Object.assign(tinyFile(), { [key]: value })),
    fc.tuple(configKeys, fc.jsonValue()).map(([key, value]) => bent({ config: { [key]: value } })),
    fc.tuple(fc.nat(261), fc.jsonValue()).map(([rank, value]) => {
      const file = tinyFile();
      (file['vocab'] as unknown[])[rank] = value;
      return file;
    }),
  );
  fc.assert(
    fc.property(change, (file) => {
      try {
        load(file);
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    }),
    { numRuns: 300 },
  );
});
