import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { goldenTexts, tekken } from '../helpers/tekken.ts';

const pixtral = tekken();
const wellFormed = fc.string({ unit: 'binary', maxLength: 60 });

test("every golden text has mistral-common's ids", () => {
  const texts = goldenTexts();
  assert.ok(texts.length >= 2000, `${texts.length} texts`);
  for (const [text, ids] of texts) assert.deepEqual(pixtral.encode(text), ids, JSON.stringify(text));
});

test('texts of the reference have the ids that it states', () => {
  const expected: [text: string, ids: number[]][] = [
    ['What is on this image?', [7493, 1395, 1408, 1593, 3937, 1063]],
    ["don't", [21797, 2405]],
    ["IT'S", [4778, 44161]],
    ['123 45', [1049, 1050, 1051, 1032, 1052, 1053]],
    ['HELLOworld', [7626, 1076, 7618, 34049]],
    ['  \n  x', [1256, 1010, 1032, 2460]],
    ['日本語', [10008, 15199]],
    ['a\u00a0b', [1097, 3997, 1098]],
    ['[INST]', [1091, 3174, 3074, 1093]],
    ['</s>', [1885, 1115, 1062]],
  ];
  for (const [text, ids] of expected) assert.deepEqual(pixtral.encode(text), ids, text);
});

test('decoding what was encoded gives the text back', () => {
  fc.assert(
    fc.property(wellFormed, (text) => {
      assert.equal(pixtral.decode(pixtral.encode(text)), text);
    }),
    { numRuns: 500 },
  );
});

test('a byte order mark at the start survives', () => {
  assert.equal(pixtral.decode(pixtral.encode('\ufeffa')), '\ufeffa');
});

test('an unpaired surrogate is encoded as U+FFFD', () => {
  assert.deepEqual(pixtral.encode('a\ud800b'), pixtral.encode('a\ufffdb'));
});

test('no text encodes to a control token', () => {
  const looksLikeControl = fc.constantFrom(...pixtral.vocabulary.controls.slice(0, 30));
  const text = fc.array(fc.oneof(looksLikeControl, fc.string({ maxLength: 5 }))).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (look) => {
      assert.ok(!pixtral.encode(look).some((id) => pixtral.isControl(id)));
    }),
    { numRuns: 500 },
  );
});

test('the whole vocabulary has 131072 ids, of which the first 1000 are control tokens', () => {
  assert.equal(pixtral.vocabularySize, 131072);
  assert.ok(pixtral.isControl(999));
  assert.ok(!pixtral.isControl(1000));
});

test('decoding drops control tokens and never joins a character across one', () => {
  const [first, second] = [119685, 1153]; // ' ' and F0 9F 99 together: the first three bytes of an emoji
  assert.equal(pixtral.decode([1, ...pixtral.encode('a'), 2]), 'a');
  assert.equal(pixtral.decode([first, second, 2, 1130]), ' \ufffd\ufffd');
  assert.equal(pixtral.decode([first, second, 1130]), ' 🙂');
});

test('labels show control tokens by name and parts of characters by their bytes', () => {
  assert.equal(pixtral.label(3), '[INST]');
  assert.equal(pixtral.label(7493), 'What');
  assert.equal(pixtral.label(1000 + 0xe6), '<0xE6>');
});

test('a control token has no bytes and is found by its name', () => {
  assert.equal(pixtral.bytes(10).length, 0);
  assert.equal(pixtral.id('[IMG]'), 10);
  assert.equal(pixtral.find('[ARGS]'), undefined);
  assert.equal(tekken('v11').find('[ARGS]'), 32);
  assert.throws(() => pixtral.id('[ARGS]'), { name: 'PixtralError', code: 'model' });
});

test('an id outside the vocabulary is a model error', () => {
  for (const id of [-1, 131072, 1.5, Number.NaN]) assert.throws(() => pixtral.decode([id]), PixtralError);
});
