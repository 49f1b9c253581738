import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from '../../helpers/fast-check.ts';
import { PixtralError } from '../../../src/base/errors.ts';
import { ConstrainedSampler } from '../../../src/decoder/constrained-sampler.ts';
import { DecoderContext } from '../../../src/decoder/context.ts';
import { DecoderModel } from '../../../src/decoder/model.ts';
import { Grammars } from '../../../src/engine/answers/grammars.ts';
import { type Engine, openEngine } from '../../../src/engine/engine.ts';
import type { Answer, AskOptions } from '../../../src/asking/events.ts';
import {
  type AnswerFormat,
  choicesFormat,
  jsonObjectFormat,
  schemaFormat,
} from '../../../src/grammar/answer-format.ts';
import { AbortFlag } from '../../../src/native/abort-flag.ts';
import { openNative } from '../../../src/native/open-native.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';
import { schemas } from '../../helpers/schemas.ts';

let pair: ConvertedPair;
let engine: Engine;
before(async () => {
  pair = await convertedPair('mistral', 'f32');
  engine = await openEngine({
    ...pair,
    gpu: 'off',
    gpuLayers: 0,
    threads: 1,
    contextSize: 1024,
    batchSize: 512,
    cacheType: 'f32',
    parallel: 1,
    questions: 1,
    reproducible: true,
  });
});
after(async () => {
  await engine.close();
  await pair.remove();
});

const drawn = { temperature: 1, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 1, maxTokens: 300, stop: [] };

async function ask(options: Partial<AskOptions> & { format: AnswerFormat }): Promise<Answer> {
  const messages = [{ role: 'user' as const, content: [{ kind: 'text' as const, text: 'what is it?' }] }];
  let answer: Answer | undefined;
  for await (const event of engine.ask({ messages, options: { ...drawn, ...options } })) {
    if (event.kind === 'answer') answer = event.answer;
  }
  return answer!;
}

/** The answer, or undefined when the tokens did not suffice, as happens to a model that writes noise. */
async function askOrCut(options: Parameters<typeof ask>[0]): Promise<Answer | undefined> {
  try {
    return await ask(options);
  } catch (thrown) {
    if (thrown instanceof PixtralError && /was cut after/.test(thrown.message)) return undefined;
    throw thrown;
  }
}

test('a model that writes noise writes values that random schemas allow', async () => {
  let whole = 0;
  for (const [index, schema] of fc.sample(schemas, 24).entries()) {
    const format = schemaFormat(JSON.stringify(schema), 'test.json'); // an answer that ajv refuses would be a bug: it throws
    const answer = await askOrCut({ format, seed: index });
    if (answer) {
      assert.deepEqual(answer.data, JSON.parse(answer.text));
      whole++;
    }
  }
  assert.ok(whole >= 8, `${whole} of 24 answers came to an end`);
});

test('--json-object is an object, whatever the seed', async () => {
  for (let seed = 0; seed < 5; seed++) {
    const answer = await askOrCut({ format: jsonObjectFormat(), seed });
    if (answer) assert.equal(Object.prototype.toString.call(answer.data), '[object Object]');
  }
});

test('every choice can be the answer, also one that begins another, and their probabilities add up to 1', async () => {
  const format = choicesFormat(['a', 'b', 'ba']);
  const found = new Map<string, number>();
  for (let seed = 0; found.size < 3 && seed < 400; seed++) {
    const { text, confidence } = await ask({ format, seed, temperature: 10, logprobs: 0 });
    found.set(text, confidence!['']!);
  }
  assert.deepEqual([...found.keys()].toSorted(), ['a', 'b', 'ba']);
  const sum = [...found.values()].reduce((before, one) => before + one, 0);
  assert.ok(Math.abs(sum - 1) < 1e-4, `${sum}`);
});

test('log-probabilities and confidences do not change the answer', async () => {
  const format = schemaFormat('{"type":"array","items":{"type":"integer","maximum":99},"maxItems":4}', 'test.json');
  for (let seed = 0; seed < 4; seed++) {
    const [plain, told] = [await ask({ format, seed }), await ask({ format, seed, logprobs: 3 })];
    assert.equal(told.text, plain.text);
    assert.equal(told.logprobs!.length, told.usage.completion);
    assert.equal(told.logprobs!.map(({ token }) => token).join(''), told.text);
    for (const token of told.logprobs!) {
      if ('forced' in token) continue;
      assert.equal(token.top.length, 3);
      assert.ok(token.top[0]!.logprob >= token.top[2]!.logprob);
    }
  }
});

test('an answer that is whole at the token limit is whole, one token less is an error with a hint', async () => {
  const format = schemaFormat('{"const":{"answer":[1,2,3]}}', 'test.json');
  const { usage } = await ask({ format });
  const exact = await ask({ format, maxTokens: usage.completion });
  assert.equal(exact.finish, 'stop');
  await assert.rejects(ask({ format, maxTokens: 1 }), { code: 'input', hint: /--max-tokens/ });
});

test('a grammar that no token can go on with is an error, not a crash', async () => {
  const nothing: AnswerFormat = { kind: 'text', grammar: 'root ::= "a" [^\\x01-\\U0010FFFF]' };
  await assert.rejects(ask({ format: nothing }), { code: 'input', message: /no token of this model goes on/ });
  await assert.rejects(ask({ format: { kind: 'text', grammar: 'root ::= x "a"' } }), {
    code: 'input',
    message: /^grammar:/,
  });
});

test('greedy is the likeliest token that fits, at every step', async () => {
  const native = await openNative({ gpu: 'off', onLog: () => {} });
  const abort = new AbortFlag();
  const { files } = engine;
  const model = await DecoderModel.open({ native, gguf: files.model, gpuLayers: 0, abort, signal: undefined });
  const context = await DecoderContext.open(model, {
    contextSize: 256,
    sequences: 1,
    batchSize: 64,
    threads: 1,
    cacheType: 'f32',
    abort,
  });
  const endsText = (id: number): boolean => model.endsGeneration(id);
  const matcher = new Grammars(files.tekken).matcher(model, 'root ::= [a-z ]{24}');
  const sampler = new ConstrainedSampler(model, { sampling: { ...drawn, temperature: 0 }, matcher });
  const sequence = context.sequences[0]!;
  await sequence.appendIds([1, 30, 31, 32], undefined);
  let text = '';
  while (text.length < 24) {
    const logits = sequence.logits();
    const fits = (id: number): boolean =>
      /^[a-z ]+$/.test(files.tekken.decode([id])) && text.length + files.tekken.decode([id]).length <= 24;
    const expected = [...logits.keys()].filter(fits).toSorted((a, b) => logits[b]! - logits[a]! || a - b)[0]!;
    const id = sampler.sample(sequence);
    assert.equal(id, expected);
    text += files.tekken.decode([id]);
    await sequence.appendIds([id], undefined);
  }
  assert.equal(endsText(sampler.sample(sequence)), true);
  assert.equal(matcher.isFinished, true);
  sampler.close();
  context.close();
  model.close();
  await native.close();
});

test('what no grammar keeps to is asked for once more, and is an error when it is broken again', async () => {
  const format = schemaFormat(
    '{"type":"array","items":{"enum":["a","b","c"]},"minItems":3,"maxItems":3,"uniqueItems":true}',
    'test.json',
  );
  let [retried, failed] = [0, 0];
  for (let seed = 0; seed < 24; seed++) {
    try {
      const { data, retried: why } = await ask({ format, seed, temperature: 10 });
      assert.equal(new Set(data as string[]).size, 3);
      if (why === 'invalid') retried++;
    } catch (thrown) {
      assert.match(String(thrown), /answer: is not what the schema says: .*NOT have duplicate items/);
      failed++;
    }
  }
  assert.ok(retried > 0 && failed > 0, `${retried} right the second time, ${failed} not`);
});
