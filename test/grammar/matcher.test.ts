import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { Grammars } from '../../src/engine/answers/grammars.ts';
import { readTokenizer } from '../../src/engine/runtime/model-files.ts';
import { readGguf } from '../../src/gguf/read.ts';
import { choicesFormat, schemaFormat } from '../../src/grammar/answer-format.ts';
import { Matcher } from '../../src/grammar/matcher.ts';
import { TokenMasks, type Words, isAllowed } from '../../src/grammar/token-masks.ts';
import { tokenTrie } from '../../src/grammar/token-trie.ts';
import { seededPick } from '../helpers/gbnf-writer.ts';
import { llamaGrammar } from '../helpers/llama-grammar.ts';
import { loadedDecoder } from '../helpers/loaded.ts';
import { schemas } from '../helpers/schemas.ts';
import { tekken as pixtralTekken } from '../helpers/tekken.ts';

const decoder = loadedDecoder('f32');

/** More in a long run: MATCHER_STEPS=10000 MATCHER_SEED=1. */
const wantedSteps = Number(process.env['MATCHER_STEPS'] ?? 400);
const seed = Number(process.env['MATCHER_SEED'] ?? 7);

/** Grammars that no schema of ours leads to. */
const grammars = [
  'root ::= [^a-z"\\n]{2,9} "é日本😀" [à-ÿ]* | ("a"? "b"?){0,7} "!" .{1,3}',
  'root ::= x+\nx ::= "(" x* ")" | [\\u4E00-\\u9FFF] | [^\\x00-\\U0000FFFF]',
  'root ::= (a | b){3,} "end"\na ::= [ab] [a-c]?\nb ::= "ab" | "abc" a',
];

test("masks equal llama.cpp's grammar at every step of random walks", async () => {
  const { model, path } = decoder;
  const tekken = readTokenizer(await readGguf(path), undefined);
  const kept = new Grammars(tekken);
  const pick = seededPick(seed);
  let steps = 0;
  const walk = (grammar: string): void => {
    const matcher = kept.matcher(model, grammar);
    const oracle = llamaGrammar(model, { tekken, grammar });
    for (let step = 0; step < 40; step++, steps++) {
      const mask = matcher.mask();
      const expected = oracle.allowed();
      const differs = expected.findIndex((allowed, id) => allowed !== isAllowed(mask, id));
      assert.equal(differs, -1, `after ${step} tokens of ${grammar}: id ${differs}`);
      const ids = expected.flatMap((allowed, id) => (allowed ? [id] : []));
      const id = ids[pick(ids.length)]!;
      if (model.endsGeneration(id)) break;
      matcher.accept(id);
      oracle.accept(id);
    }
    oracle.close();
  };
  for (const grammar of grammars) walk(grammar);
  for (const schema of fc.sample(schemas, { numRuns: wantedSteps, seed })) {
    if (steps >= wantedSteps) return;
    walk(schemaFormat(JSON.stringify(schema), 'test.json').grammar);
  }
  assert.fail(`${steps} steps`);
});

const tekken = pixtralTekken();
const words: Words = {
  count: tekken.vocabularySize,
  trie: tokenTrie(tekken.vocabularySize, (id) => tekken.bytes(id)),
  bytes: (id) => tekken.bytes(id),
  ends: [2],
};
const matcherOf = (grammar: string): Matcher => new Matcher(new TokenMasks(grammar, words));

test('over the vocabulary of Pixtral-12B a mask has each token that goes on with the text, and no other', () => {
  const matcher = matcherOf('root ::= "\\"" [a-z0-9 ]{0,5} "\\"" [,;]');
  for (const [written, fits] of [
    ['', /^("[a-z0-9 ]{0,5}("[,;]?)?)$/],
    ['"', /^([a-z0-9 ]{1,5}|[a-z0-9 ]{0,5}"[,;]?)$/],
    ['ab ', /^([a-z0-9 ]{1,2}|[a-z0-9 ]{0,2}"[,;]?)$/],
  ] as const) {
    for (const id of tekken.encode(written)) matcher.accept(id);
    const mask = matcher.mask();
    for (let id = 0; id < tekken.vocabularySize; id++) {
      const expected = !tekken.isControl(id) && fits.test(tekken.decode([id]));
      assert.equal(isAllowed(mask, id), expected, tekken.label(id));
    }
  }
});

test('what must come is known up to where there is a choice, in whole characters', () => {
  const forced = (grammar: string, written = ''): string => {
    const matcher = matcherOf(grammar);
    for (const id of tekken.encode(written)) matcher.accept(id);
    return Buffer.from(matcher.forced(99).bytes).toString();
  };
  assert.equal(forced(choicesFormat(['größer', 'größte']).grammar), 'größ');
  assert.equal(forced('root ::= "x" [é-ê] "y"'), 'x');
  assert.equal(forced('root ::= "ab"?'), '');
  assert.equal(forced('root ::= ("ab" | "ab" "c") "d"', 'ab'), '');
  const schema = '{"type":"object","properties":{"shop":{"type":"string"}},"required":["shop"]}';
  assert.equal(forced(schemaFormat(schema, 'x').grammar), '{"shop":');
});

/** Each ends with an error or a mask, within what a mask may cost. */
const hostile: Record<string, string> = {
  'optional parts in optional parts': 'root ::= (("a"?){2000}){2000} "b"',
  'words that are each other': 'root ::= (x | y | z){0,500}\nx ::= [a-z]{1,50}\ny ::= [a-y]{1,70}\nz ::= [b-z]{2,90}',
  'a rule in itself twice': 'root ::= s\ns ::= "a" s s | "a" s "b" s | "a" | "aa" s',
  'two thousand of two thousand': 'root ::= x{2000}\nx ::= y{2000}\ny ::= [a-z]{2000}',
};

for (const [what, grammar] of Object.entries(hostile)) {
  test(`${what}: followed or refused, in bounded time and memory`, () => {
    const before = process.cpuUsage();
    try {
      const matcher = matcherOf(grammar);
      for (let step = 0; step < 5; step++) {
        matcher.mask();
        matcher.accept(tekken.encode('a')[0]!);
      }
    } catch (thrown) {
      assert.match(String(thrown), /so many ways are open at once/);
    }
    assert.ok(process.cpuUsage(before).user < 20e6, 'takes more than 20 seconds of the processor');
  });
}
