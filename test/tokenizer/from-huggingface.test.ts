import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { tekkenFromHuggingFace } from '../../src/tokenizer/from-huggingface.ts';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { ggufTokenizer } from '../../src/tokenizer/gguf-keys.ts';
import { areSameKeys, goldenTexts, huggingFaceFile, jsonBytes, tekken, tinyFile } from '../helpers/tekken.ts';

const tiny = tekkenFromJson(jsonBytes(tinyFile()), 'tekken.json');
const { merges } = ggufTokenizer(tiny);

interface File {
  added_tokens: unknown;
  model: { type?: unknown; vocab: Record<string, unknown>; merges: unknown };
}

/** The tiny vocabulary as a tokenizer.json, changed by `change`. */
function bent(change: (file: File) => void): Uint8Array {
  const file = huggingFaceFile(tiny, { merges, style: 'pairs' }) as unknown as File;
  change(file);
  return jsonBytes(file);
}

test('old and new files of the whole vocabulary give the ids and the keys of tekken.json', () => {
  const pixtral = tekken();
  const keys = ggufTokenizer(pixtral);
  const text = goldenTexts()
    .map(([golden]) => golden)
    .join('\n');
  for (const style of ['strings', 'pairs'] as const) {
    const file = huggingFaceFile(pixtral, { merges: keys.merges, style });
    const loaded = tekkenFromHuggingFace(jsonBytes(file), 'tokenizer.json');
    assert.equal(loaded.version, 'v3');
    assert.equal(loaded.vocabularySize, 131072);
    assert.deepEqual(loaded.encode(text), pixtral.encode(text));
    if (style === 'pairs') assert.ok(areSameKeys(ggufTokenizer(loaded), keys));
  }
});

test('a chat template given along decides the version', () => {
  const chatTemplate = '[SYSTEM_PROMPT][INST]';
  assert.equal(
    tekkenFromHuggingFace(
      bent(() => {}),
      'tokenizer.json',
      { chatTemplate },
    ).version,
    'v7',
  );
});

test('files of other tokenizers are refused, in one line that names what is wrong', () => {
  const refused: [change: (file: File) => void, message: RegExp][] = [
    [({ model }) => (model.type = 'WordPiece'), /model\.type is "WordPiece"/],
    [({ model }) => delete model.vocab['Ā'], /no token for the byte 0/],
    [
      ({ model }) => (delete model.vocab['Ā'], (model.vocab['<0x00>'] = 20)),
      /a SentencePiece tokenizer, expected Tekken/,
    ],
    [({ model }) => (model.vocab['ab'] = 5.5), /model\.vocab\["ab"\] is 5\.5/],
    [({ model }) => (model.vocab['ab'] = 1e9), /model\.vocab\["ab"\] is 1000000000/],
    [({ model }) => (model.vocab['ab'] = 100), /two tokens of model\.vocab have id 100/],
    [({ model }) => (model.vocab['日'] = 282), /"日" is not spelled in the byte alphabet/],
    [({ model }) => (model.vocab['Ā'] = model.vocab['ā']), /two tokens/],
    [({ model }) => (model.merges = merges.toReversed()), /model\.merges\[2\] makes token 280 after token 281/],
    [({ model }) => (model.merges = ['a b c']), /model\.merges\[0\] does not make a token/],
    [({ model }) => (model.merges = undefined), /model\.merges is missing/],
    [(file) => (file.added_tokens = []), /no token has id 0/],
    [(file) => (file.added_tokens = [{ id: 0, content: 7 }]), /added_tokens\[0\]\.content is 7/],
  ];
  for (const [change, message] of refused) {
    assert.throws(
      () => tekkenFromHuggingFace(bent(change), 'tokenizer.json'),
      (thrown: unknown) => {
        assert.ok(thrown instanceof PixtralError, String(thrown));
        assert.equal(thrown.code, 'model');
        assert.match(thrown.message, /^tokenizer\.json: [^\n]+$/);
        assert.match(thrown.message, message);
        return true;
      },
    );
  }
});

test('a file with any value replaced loads or is a model error', () => {
  const key = fc.constantFrom('type', 'vocab', 'merges');
  const word = fc.oneof(fc.constantFrom('a', 'Ā', '<s>', 'ab'), fc.string());
  const change = fc.oneof(
    fc.tuple(key, fc.jsonValue()).map(
      ([name, value]) =>
        (file: File) =>
          Object.assign(file.model, { [name]: value }),
    ),
    fc.tuple(word, fc.jsonValue()).map(
      ([name, value]) =>
        (file: File) =>
          Object.assign(file.model.vocab, { [name]: value }),
    ),
    fc.jsonValue().map((value) => (file: File) => Object.assign(file, { added_tokens: value })),
    fc.jsonValue().map((value) => (file: File) => Object.assign(file.model, { merges: [value] })),
  );
  fc.assert(
    fc.property(change, (changeFile) => {
      try {
        tekkenFromHuggingFace(bent(changeFile), 'tokenizer.json');
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    }),
    { numRuns: 300 },
  );
});
