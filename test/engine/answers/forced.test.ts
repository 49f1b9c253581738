import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../helpers/fast-check.ts';
import { ConstrainedSampler } from '../../../src/decoder/constrained-sampler.ts';
import { DecoderContext } from '../../../src/decoder/context.ts';
import { AnswerWriter } from '../../../src/engine/answers/answer-writer.ts';
import type { TokenLogprob } from '../../../src/asking/events.ts';
import { ForcedSpelling } from '../../../src/engine/answers/forced-spelling.ts';
import { Grammars } from '../../../src/engine/answers/grammars.ts';
import { marksOf } from '../../../src/engine/answers/phases.ts';
import { demoCheckpoint } from '../../../src/engine/runtime/demo.ts';
import { schemaFormat } from '../../../src/grammar/answer-format.ts';
import { Matcher } from '../../../src/grammar/matcher.ts';
import { TokenMasks } from '../../../src/grammar/token-masks.ts';
import { tokenTrie } from '../../../src/grammar/token-trie.ts';
import { readScenes } from '../../demo/scenes.ts';
import { scenePath } from '../../helpers/checkpoints.ts';
import { cli } from '../../helpers/cli.ts';
import { convertedFolder } from '../../helpers/converted.ts';
import { convertedFiles, loadedDecoder } from '../../helpers/loaded.ts';
import { schemas } from '../../helpers/schemas.ts';
import { tekken as pixtralTekken } from '../../helpers/tekken.ts';

const tekken = pixtralTekken();
const words = {
  count: tekken.vocabularySize,
  trie: tokenTrie(tekken.vocabularySize, (id) => tekken.bytes(id)),
  bytes: (id: number) => tekken.bytes(id),
  ends: [2],
};

/** Ids of a text by a model that spells as the tokenizer does, in the form of a grammar; and how many were forced. */
function written(text: string, grammar: string): { ids: number[]; forced: number } {
  const matcher = new Matcher(new TokenMasks(grammar, words));
  const spelling = new ForcedSpelling(tekken);
  const spelled = tekken.encode(text);
  const ids: number[] = [];
  let forced = 0;
  while (ids.length < spelled.length) {
    const sure = spelling.ids(matcher.forced(2048));
    forced += sure.length;
    for (const id of sure.length > 0 ? sure : [spelled[ids.length]!]) {
      matcher.accept(id);
      spelling.push(id);
      ids.push(id);
    }
  }
  return { ids, forced };
}

const objects: [schema: object, text: string, forced: number][] = [
  [
    {
      type: 'object',
      properties: { shop: { type: 'string' }, total: { type: 'number' } },
      required: ['shop', 'total'],
    },
    '{"shop":"Aldi Süd","total":12.5}',
    3,
  ],
  [{ enum: ['Neustadt an der Weinstraße', 'Neustadt in Holstein'] }, '"Neustadt in Holstein"', 4],
  [{ const: { 'a b': ['日本', 'ABc', '\n\n x', 'x/\n'] } }, '{"a b":["日本","ABc","\\n\\n x","x/\\n"]}', 19],
];

for (const [schema, text, least] of objects) {
  test(`what must come in ${text} is spelled as the tokenizer spells all of it`, () => {
    const { ids, forced } = written(text, schemaFormat(JSON.stringify(schema), 'x').grammar);
    assert.deepEqual(ids, tekken.encode(text));
    assert.ok(forced >= least, `${forced} of ${ids.length} tokens`);
  });
}

test('whatever the grammar forces and leaves open, the ids are those of the whole text', () => {
  const part = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
    fc.stringMatching(/^[a-cA-C日é1-3"',:/ \n\r\t]{1,8}$/),
  );
  const escaped = (text: string): string =>
    Array.from(text)
      .map((character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, '0')}`)
      .join('');
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 5 }), (parts) => {
      fc.pre(parts.every((pair) => pair.every((text) => !/\p{Cs}|\0/u.test(text))));
      const text = parts.flat().join('');
      // A text that must come, then one of the many that are open.
      const grammar = `root ::= ${parts.map(([sure, open]) => `"${escaped(sure)}" [^\\x00]{${Array.from(open).length}}`).join(' ')}`;
      assert.deepEqual(written(text, grammar).ids, tekken.encode(text));
    }),
    { numRuns: 300 },
  );
});

const decoder = loadedDecoder('f32');
const read = convertedFiles('f32');
const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 1 };
const prompt = [1, 30, 31, 32];

test('a model of noise writes what it writes when each token is a step of its own', async () => {
  const { model, abort } = decoder;
  const { files } = read;
  const kept = new Grammars(files.tekken);
  const options = { sequences: 1, batchSize: 64, threads: 1, cacheType: 'f32', abort } as const;
  const context = await DecoderContext.open(model, { ...options, contextSize: 512 });
  const sequence = context.sequences[0]!;
  let forcedTokens = 0;
  for (const [seed, schema] of fc.sample(schemas, { numRuns: 40, seed: 3 }).entries()) {
    const format = schemaFormat(JSON.stringify(schema), 'test.json');
    sequence.truncate(0);
    await sequence.appendIds(prompt, undefined);
    const { tekken } = files;
    const anew = { marks: marksOf(tekken, { withTools: false }), beginning: 'text', begunCalls: [] } as const;
    const parts = { model, tekken, matcher: kept.matcher(model, format.grammar), contextSize: 512, ...anew };
    const asked = { ...greedy, repeatPenalty: 1 + (seed % 2) / 10, maxTokens: 100, stop: [], format, logprobs: 1 };
    const writer = new AnswerWriter({ ...asked, ...parts });
    let next = writer.draw(sequence).next;
    while (!('finish' in next)) {
      await sequence.appendIds(next, undefined);
      next = writer.draw(sequence).next;
    }
    writer.close();
    const tokens = next.details.logprobs!;
    assert.equal(tokens.length, next.length);
    assert.equal(Buffer.concat(tokens.map(({ id }) => files.tekken.bytes(id!))).toString(), next.text);
    forcedTokens += tokens.filter((token) => 'forced' in token).length;

    const matcher = kept.matcher(model, format.grammar);
    const sampler = new ConstrainedSampler(model, { sampling: asked, matcher });
    sequence.truncate(0);
    await sequence.appendIds(prompt, undefined);
    for (const token of tokens) {
      if ('forced' in token) sampler.append(token.id!);
      else assert.deepEqual(sampler.sample(sequence), token.id);
      await sequence.appendIds([token.id!], undefined);
    }
    sampler.close();
  }
  context.close();
  assert.ok(forcedTokens > 100, `${forcedTokens}`);
});

/** What pixtral answered when every token was drawn. */
const drawnConfidences: Record<number, Record<string, number>> = {
  0: {
    '/bars/0': 0.999931,
    '/bars/1': 0.999733,
    '/bars/2': 0.999986,
    '/bars/3': 0.999959,
    '/bars/4': 0.999895,
    '/bars/5': 0.999964,
    '/highest': 0.999931,
    '/lowest': 0.999904,
  },
  2: { '/answer': 0.999964 },
  5: { '/text': 0.999785, '/color': 0.999997 },
};

test('the demonstration model answers in JSON as when every token was drawn, as surely', async () => {
  const pair = await convertedFolder(demoCheckpoint, 'f32');
  try {
    const scenes = readScenes(scenePath('demo')).filter(({ kind }) => kind === 'json');
    for (const { id, images, prompt: question, answer } of scenes) {
      const names = images.map((image) => scenePath(`demo/${image}`));
      const asked = ['--schema', schemaOf(JSON.parse(answer) as object), '--json', '--logprobs', '1'];
      const runtime = ['--model', pair.folder, '--gpu', 'off', '--cache-type', 'f32', '--temperature', '0'];
      const { stdout, stderr } = await cli(['ask', ...names, '-p', question, ...asked, ...runtime]);
      const said = JSON.parse(stdout || stderr) as {
        text: string;
        confidence: Record<string, number>;
        logprobs: TokenLogprob[];
        usage: { completion: number };
      };
      assert.equal(said.text, answer);
      for (const [field, value] of Object.entries(drawnConfidences[id]!)) {
        assert.ok(Math.abs(said.confidence[field]! - value) < 1e-4, `${field}: ${said.confidence[field]}`);
      }
      const forced = said.logprobs.filter((token) => 'forced' in token);
      assert.ok(forced.length > 0 && forced.every((token) => !('logprob' in token) && !('top' in token)));
      assert.equal(said.usage.completion, said.logprobs.length);
    }
  } finally {
    await pair.remove();
  }
});

/** The short form of a schema that a value has. */
function schemaOf(value: object): string {
  const fields = Object.entries(value).map(([name, one]) => (Array.isArray(one) ? `${name}[]` : name));
  return fields.length > 1 ? fields.join(', ') : `${fields[0]}: text`;
}
