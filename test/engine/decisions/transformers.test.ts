import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DecisionReading, optionsOf } from '../../../src/asking/decisions/question.ts';
import { labelTree, depthOf } from '../../../src/engine/decisions/label-tree.ts';
import { type Engine, openEngine } from '../../../src/engine/engine.ts';
import type { Picture } from '../../../src/image/decoder/load.ts';
import type { Message } from '../../../src/prompt/message.ts';
import { goldenCases, scenePath } from '../../helpers/checkpoints.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';
import { loadFile } from '../../helpers/pictures.ts';

let pair: ConvertedPair;
let engine: Engine;
before(async () => {
  pair = await convertedPair('mistral', 'f32');
  engine = await openEngine({
    model: pair.model,
    mmproj: pair.mmproj,
    gpu: 'off',
    gpuLayers: 0,
    threads: 1,
    contextSize: 'auto',
    batchSize: 512,
    cacheType: 'f32',
    parallel: 2,
    questions: 2,
    reproducible: false,
  });
});
after(async () => {
  await engine.close();
  await pair.remove();
});

type Golden = ReturnType<typeof goldenCases>[number];

/** The conversation without its last words, which are the question. */
async function withoutQuestion({ messages }: Golden): Promise<{ asked: string; before: Message<Picture>[] }> {
  const last = messages.at(-1)!.content.at(-1)!;
  assert.ok('text' in last);
  const before: Message<Picture>[] = [];
  for (const { role, content } of messages) {
    const chunks: Message<Picture>['content'][number][] = [];
    for (const part of content) {
      if (part === last) continue;
      if ('text' in part) chunks.push({ kind: 'text', text: part.text });
      else chunks.push({ kind: 'image', image: await loadFile(scenePath(part.image), engine.image) });
    }
    before.push({ role, content: chunks });
  }
  return { asked: last.text, before };
}

const options = { maxTokens: 1, temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 0, stop: [] };

async function readingOf(golden: Golden, values: readonly string[]): Promise<DecisionReading> {
  const { asked, before: messages } = await withoutQuestion(golden);
  const question = {
    name: 'q',
    type: 'choice',
    instructions: asked,
    options: values.map((value) => ({ value })),
  } as const;
  const decisions = { questions: [question], orders: 1, labels: 'words', template: '{question}' } as const;
  for await (const event of engine.ask({ messages, options, decisions })) {
    if (event.kind === 'decided') return event.decided.readings[0]!;
  }
  throw new Error('nothing was decided');
}

/** By option, of the whole vocabulary: what its spellings may begin with has in transformers' logits, in float64. */
function expectedOf({ logits, ids }: Golden, values: readonly string[]): number[] {
  const last = logits.subarray(logits.length - engine.files.decoder.vocabularySize);
  assert.ok(ids.length > 0);
  const powers = Array.from(last, Math.exp);
  const total = powers.reduce((sum, power) => sum + power, 0);
  const tree = labelTree(values, (text) => engine.files.tekken.encode(text));
  assert.equal(depthOf(tree), 1, 'one distribution tells all of these options apart');
  const shares = values.map(() => 0);
  for (const [id, { options: named }] of tree.children) shares[[...named][0]!]! += powers[id]! / total;
  return shares;
}

// The question is what is said last.
const endInWords = ({ messages }: Golden): boolean => 'text' in messages.at(-1)!.content.at(-1)!;

for (const golden of goldenCases().filter(endInWords)) {
  test(`${golden.name}: probabilities and mass are those of transformers in float32 within 1e-4`, async () => {
    for (const values of [
      ['a', 't'],
      ['s', 'd', 'c', 'p'],
    ]) {
      const { question, probabilities, mass } = await readingOf(golden, values);
      const expected = expectedOf(golden, values);
      const total = expected.reduce((sum, share) => sum + share, 0);
      assert.ok(Math.abs(mass - total) < 1e-4, `mass ${mass}, ${total}`);
      assert.ok(total > 1e-4);
      for (const [option, share] of expected.entries()) {
        const difference = Math.abs(probabilities[option]! - share / total);
        assert.ok(
          difference < 1e-4,
          `${optionsOf(question)[option]!.value}: ${probabilities[option]}, ${share / total}`,
        );
      }
    }
  });
}
