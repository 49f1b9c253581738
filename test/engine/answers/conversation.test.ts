import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Answer, AskOptions } from '../../../src/asking/events.ts';
import { type Engine, openEngine } from '../../../src/engine/engine.ts';
import { choicesFormat } from '../../../src/grammar/answer-format.ts';
import type { Picture } from '../../../src/image/decoder/load.ts';
import { encodePrompt } from '../../../src/prompt/encode.ts';
import type { Chunk, Message } from '../../../src/prompt/message.ts';
import { scenePath } from '../../helpers/checkpoints.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';
import { loadFile } from '../../helpers/pictures.ts';

let pair: ConvertedPair;
const open: Engine[] = [];
before(async () => {
  pair = await convertedPair('mistral', 'f32');
});
after(async () => {
  for (const engine of open) await engine.close();
  await pair.remove();
});

async function engineFor(options: { reproducible: boolean; contextSize?: number }): Promise<Engine> {
  const engine = await openEngine({
    ...pair,
    gpu: 'off',
    gpuLayers: 0,
    threads: 1,
    batchSize: 512,
    cacheType: 'f32',
    parallel: 1,
    questions: 1,
    contextSize: 'auto',
    growing: true,
    ...options,
  });
  open.push(engine);
  return engine;
}

const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 1, maxTokens: 24, stop: [] };

async function ask(
  engine: Engine,
  messages: readonly Message<Picture>[],
  own: Partial<AskOptions> = {},
): Promise<Answer> {
  let answer: Answer | undefined;
  for await (const event of engine.ask({ messages, options: { ...greedy, ...own } })) {
    if (event.kind === 'answer') answer = event.answer;
  }
  return answer!;
}

const text = (said: string): Chunk<Picture> => ({ kind: 'text', text: said });
const picture = async (name: string): Promise<Chunk<Picture>> => ({
  kind: 'image',
  image: await loadFile(scenePath(name), open[0]!.image),
});

/** Each question with all turns before it; the answers as the engine gave them. */
async function converse(engine: Engine, questions: readonly Chunk<Picture>[][]): Promise<Answer[]> {
  const messages: Message<Picture>[] = [];
  const answers: Answer[] = [];
  for (const content of questions) {
    messages.push({ role: 'user', content });
    const answer = await ask(engine, messages);
    answers.push(answer);
    messages.push({ role: 'assistant', content: [text(answer.text)] });
  }
  return answers;
}

async function threeTurns(): Promise<Chunk<Picture>[][]> {
  const [a, b] = [await picture('a-80x48.png'), await picture('b-48x80.png')];
  return [[a, text('describe this')], [text('and the sky?')], [b, text('and this one?')], [text('thanks')]];
}

/** Ids of the conversation up to and with question `turn`. */
function idsUpTo(
  engine: Engine,
  { questions, answers, turn }: { questions: Chunk<Picture>[][]; answers: Answer[]; turn: number },
): number[] {
  const messages = questions
    .slice(0, turn + 1)
    .flatMap((content, index): Message<Picture>[] => [
      ...(index === 0 ? [] : [{ role: 'assistant', content: [text(answers[index - 1]!.text)] } as const]),
      { role: 'user', content },
    ]);
  return encodePrompt(messages, engine.files.tekken).flatMap(({ ids }) => ids);
}

for (const reproducible of [true, false]) {
  test(`of a conversation only the last answer and the new question are computed, reproducible: ${reproducible}`, async () => {
    const engine = await engineFor({ reproducible });
    const questions = await threeTurns();
    const answers = await converse(engine, questions);
    for (const [turn, answer] of answers.entries()) {
      const ids = idsUpTo(engine, { questions, answers, turn });
      assert.equal(answer.usage.prompt, ids.length);
      if (turn === 0) continue;
      const before = idsUpTo(engine, { questions, answers, turn: turn - 1 });
      assert.deepEqual(ids.slice(0, before.length), before, 'a later prompt begins with the earlier one');
      const least = before.length;
      const most = ids.indexOf(engine.files.tekken.id('</s>'), before.length);
      if (reproducible) assert.equal(answer.reused, least);
      else assert.ok(answer.reused! >= least && answer.reused! <= most, `${answer.reused} of ${least} to ${most}`);
    }
  });
}

test('a computed conversation answers as each of its turns does afresh, to the last word', async () => {
  const engine = await engineFor({ reproducible: true });
  const questions = await threeTurns();
  const answers = await converse(engine, questions);
  const messages: Message<Picture>[] = [];
  for (const [turn, content] of questions.entries()) {
    messages.push({ role: 'user', content });
    const fresh = await engineFor({ reproducible: true });
    const answer = await ask(fresh, messages);
    assert.equal(answer.reused, 0);
    assert.equal(answer.text, answers[turn]!.text);
    messages.push({ role: 'assistant', content: [text(answer.text)] });
  }
});

test('an answer that was drawn stands in for its ids, as far as they are those of its text', async () => {
  const engine = await engineFor({ reproducible: false });
  const question: Message<Picture> = { role: 'user', content: [text('abc')] };
  const more: Message<Picture> = { role: 'user', content: [text('more')] };
  let most = 0;
  for (let seed = 0; seed < 12; seed++) {
    const first = await ask(engine, [question], { temperature: 1, seed, logprobs: 0 });
    if (first.text === '') continue;
    const drawn = first.logprobs!.map(({ id }) => id).slice(0, first.finish === 'stop' ? undefined : -1);
    const ids = engine.files.tekken.encode(first.text);
    const differ = ids.findIndex((id, index) => id !== drawn[index]);
    const common = differ < 0 ? ids.length : differ;
    most = Math.max(most, common);
    const answered: Message<Picture> = { role: 'assistant', content: [text(first.text)] };
    const second = await ask(engine, [question, answered, more]);
    assert.equal(second.reused, first.usage.prompt + common);
  }
  assert.ok(most > 0, 'no answer was written in the ids of its text');
});

test('what a context holds moves into a larger one', async () => {
  const engine = await engineFor({ reproducible: true });
  const first: Message<Picture> = { role: 'user', content: [await picture('e-400x270.png'), text('describe this')] };
  const before = await ask(engine, [first]);
  const answered: Message<Picture> = { role: 'assistant', content: [text('It is a drawing.')] };
  const more: Message<Picture> = { role: 'user', content: [text('Is it a or b?')] };
  // Room for a long answer, though it will be short.
  const roomy = { maxTokens: 9000, format: choicesFormat(['a', 'b']), logprobs: 2 };
  const after = await ask(engine, [first, answered, more], roomy);
  assert.equal(after.reused, before.usage.prompt);
  const fresh = await ask(await engineFor({ reproducible: true }), [first, answered, more], roomy);
  assert.deepEqual([after.text, after.logprobs], [fresh.text, fresh.logprobs]);
});
