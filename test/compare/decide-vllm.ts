/**
 * Probabilities of `pixtral decide` on this machine beside those that a vLLM with the demo model tells of the same prompts
 * (log-probabilities of its completions, with the answer begun where an option's first token is another's too).
 *
 *   PYTHON=<python with Pillow> npm run compare:decide -- http://127.0.0.1:8000 [count]
 *
 * Fails where one of them differs by more than 1e-2. Pictures are of just their grids' sizes, so that both see the same.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DecisionQuestion, optionsOf } from '../../src/asking/decisions/question.ts';
import { type LabelNode, labelTree } from '../../src/engine/decisions/label-tree.ts';
import { demoCheckpoint } from '../../src/engine/runtime/demo.ts';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { readScenes } from '../demo/scenes.ts';

const [url, count = '30'] = process.argv.slice(2);
if (url === undefined) throw new Error('usage: npm run compare:decide -- URL [COUNT]');
const most = 1e-2;
const colours = ['red', 'green', 'blue', 'yellow', 'orange', 'purple', 'pink', 'black'];
const questions: readonly DecisionQuestion[] = [
  { name: 'word', type: 'predicate', instructions: 'Is there a word?' },
  { name: 'chart', type: 'predicate', instructions: 'Is there a bar chart?' },
  {
    name: 'colour',
    type: 'choice',
    instructions: 'What colour is the circle?',
    options: colours.map((value) => ({ value })),
  },
];

interface Line {
  answers: { probability?: number; probabilities?: Record<string, number>; mass: number }[];
}

const folder = await mkdtemp(join(tmpdir(), 'pixtral-decide-'));
try {
  const world = fileURLToPath(new URL('../../fixtures/demo/world.py', import.meta.url));
  execFileSync(process.env['PYTHON'] ?? 'python3', [world, folder, '--seed', '9', '--count', count]);
  const tekken = tekkenFromJson(await readFile(join(demoCheckpoint, 'tekken.json')), 'tekken.json');
  const model = join(folder, 'model');
  pixtral('convert', demoCheckpoint, '--out', model, '--type', 'f32');
  let furthest = 0;
  let compared = 0;
  for (const [index, { images }] of readScenes(folder).entries()) {
    const picture = join(folder, `seen-${index}.png`);
    pixtral('view', join(folder, images[0]!), '-o', picture, '--model', 'demo');
    const here = hereOf(picture, model);
    const uri = `data:image/png;base64,${(await readFile(picture)).toString('base64')}`;
    for (const [place, question] of questions.entries()) {
      const labels = optionsOf(question).map(({ value }) => value);
      const tree = labelTree(labels, (text) => tekken.encode(text));
      const there = await thereOf(tree, { uri, question, labels, decode: (ids) => tekken.decode(ids) });
      const ours = here[place]!;
      for (const [option, label] of labels.entries()) {
        const distance = Math.abs(ours[option]! - there[option]!);
        furthest = Math.max(furthest, distance);
        compared++;
        if (distance > most)
          console.log(`${index} ${question.name} ${label}: here ${ours[option]}, there ${there[option]}`);
      }
    }
  }
  console.log(`${compared} probabilities of ${count} pictures: the furthest apart by ${furthest.toExponential(1)}`);
  assert.ok(furthest <= most);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function pixtral(...words: string[]): string {
  const entry = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));
  return execFileSync(process.execPath, ['--import', 'tsx', entry, ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
}

/** By question and option, of the whole vocabulary's. */
function hereOf(picture: string, model: string): number[][] {
  const words = questions.flatMap((question) => ['-q', spelled(question)]);
  const exact = ['--model', model, '--gpu', 'off', '--cache-type', 'f32', '--no-cache', '--template', '{question}'];
  const { answers } = JSON.parse(pixtral('decide', picture, ...words, ...exact)) as Line;
  return answers.map(({ probability, probabilities, mass }) =>
    (probabilities ? Object.values(probabilities) : [probability!, 1 - probability!]).map((share) => share * mass),
  );
}

function spelled({ name, instructions, ...question }: DecisionQuestion): string {
  if (question.type !== 'choice') return instructions;
  return `${name}=${question.options.map(({ value }) => value).join('|')}: ${instructions}`;
}

interface Asked {
  uri: string;
  question: DecisionQuestion;
  labels: readonly string[];
  decode: (ids: readonly number[]) => string;
}

/** Down to the token that tells an option from the others. */
async function thereOf(tree: LabelNode, asked: Asked): Promise<number[]> {
  const probabilities = asked.labels.map(() => 0);
  const open = [{ node: tree, path: [] as number[], probability: 1 }];
  for (let step = open.shift(); step; step = open.shift()) {
    const shares = await nextTokens(asked.decode(step.path), asked);
    for (const [id, child] of step.node.children) {
      const probability = step.probability * (shares.get(asked.decode([id])) ?? 0);
      const path = [...step.path, id];
      if (child.options.size > 1 && probability > 1e-6) open.push({ node: child, path, probability });
      else for (const option of child.options) probabilities[option]! += probability / child.options.size;
    }
  }
  return probabilities;
}

/** What may come next, by its text; `begun` is what the answer has already. */
async function nextTokens(begun: string, { uri, question }: Asked): Promise<Map<string, number>> {
  const content = [
    { type: 'image_url', image_url: { url: uri } },
    { type: 'text', text: question.instructions },
  ];
  const messages = [{ role: 'user', content }, ...(begun === '' ? [] : [{ role: 'assistant', content: begun }])];
  const goesOn = begun === '' ? {} : { continue_final_message: true, add_generation_prompt: false };
  const body = { model: 'demo', messages, temperature: 0, max_tokens: 1, logprobs: true, top_logprobs: 20, ...goesOn };
  const reply = await fetch(`${url!}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const told = (await reply.json()) as {
    choices: { logprobs: { content: { top_logprobs: { token: string; logprob: number }[] }[] } }[];
  };
  const [first] = told.choices[0]!.logprobs.content;
  return new Map(first!.top_logprobs.map(({ token, logprob }) => [token, Math.exp(logprob)]));
}
