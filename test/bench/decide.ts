/**
 * What a decision costs: one and five questions about pictures that nobody has seen, beside `pixtral batch --choices` with
 * one question, and llama-server asked five times for the likeliest tokens. The pair is as in bench:batch. A round runs
 * all ways one after the other; each is told less its start-up, which is the same work about one small picture. Processor
 * seconds stand beside those of the clock; on a busy machine neither means much.
 *
 *   npm run build && LLAMA_CPP=<tree with build/bin/llama-server> \
 *     npm run bench:decide -- <folder with 3 GB free> [--pair <folder>] [--pictures 100] [--threads 2] [--rounds 3]
 */
import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePictures } from '../scale/batch-records.ts';
import { startLlamaServer } from './llama-server.ts';
import { childrenSeconds } from './processor-seconds.ts';
import { randomPair } from './random-pair.ts';
import { pixtral, runCommand } from './run-command.ts';
import { median } from './median.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pair: { type: 'string' },
    pictures: { type: 'string', default: '100' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '3' },
  },
});
const [folder] = positionals;
const tree = process.env['LLAMA_CPP'];
if (folder === undefined || tree === undefined) {
  throw new Error('usage: LLAMA_CPP=<tree> npm run bench:decide -- <folder> [--pair <folder>] [--pictures 100]');
}
const scratch = join(folder, 'bench-decide');
const side = 256;
/** Of one question about one picture: rows of patches with a break behind each, and room for the question. */
const contextSize = 512;

const questions = [
  'Is a person visible?',
  'Is it outdoors?',
  'Is there any text?',
  'Is it a photograph?',
  'Is anything red?',
];

/** Answers the questions about the pictures, and returns how many answers there were. */
type Way = (pictures: readonly string[]) => Promise<number>;

interface Cost {
  wall: number;
  processor: number;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
mkdirSync(scratch, { recursive: true });

const pair = flags.pair ?? (await randomPair(scratch, 'q8_0'));
const ways: Record<string, { way: Way; answers: number }> = {
  'decide, 1 question': { way: decide(questions.slice(0, 1)), answers: 1 },
  'decide, 5 questions': { way: decide(questions), answers: 5 },
  'batch --choices, 1 question': { way: batchOfChoices, answers: 1 },
  'llama-server, 5 questions': { way: askServer, answers: 5 },
};
await compare();

/** Nothing is kept from run to run: every picture is new. */
function runtimeFlags(): string[] {
  return ['--model', pair, '--gpu', 'off', '--threads', flags.threads, '--cache-type', 'f16', '--no-cache'];
}

function decide(asked: readonly string[]): Way {
  return async (pictures) => {
    const words = asked.flatMap((question) => ['-q', question]);
    const { stdout } = await runCommand([...pixtral, 'decide', ...pictures, ...words, ...runtimeFlags(), '--quiet']);
    const lines = stdout.trimEnd().split('\n');
    const answers = lines.map((line) => (JSON.parse(line) as { answers: object }).answers);
    return answers.reduce((count, each) => count + Object.keys(each).length, 0);
  };
}

async function batchOfChoices(pictures: readonly string[]): Promise<number> {
  const asked = ['-p', `${questions[0]} Answer yes or no.`, '--choices', 'yes,no', '--temperature', '0'];
  const { stdout } = await runCommand([...pixtral, 'batch', ...pictures, ...asked, ...runtimeFlags(), '--quiet']);
  const lines = stdout.trimEnd().split('\n');
  return lines.filter((line) => (JSON.parse(line) as { text?: string }).text).length;
}

/** Its one slot keeps the picture from question to question, which costs it least. */
async function askServer(pictures: readonly string[]): Promise<number> {
  const model = ['-m', join(pair, 'model.gguf'), '--mmproj', join(pair, 'mmproj.gguf'), '-ngl', '0'];
  const sizes = ['--image-min-tokens', '1', '--image-max-tokens', '4096', '-np', '1', '-c', String(contextSize)];
  const threads = ['-t', flags.threads, '-tb', flags.threads, '-ctk', 'f16', '-ctv', 'f16'];
  const server = await startLlamaServer([join(tree!, 'build/bin/llama-server'), ...model, ...sizes, ...threads]);
  let answers = 0;
  try {
    for (const picture of pictures) {
      const url = `data:image/png;base64,${(await readFile(picture)).toString('base64')}`;
      for (const question of questions) {
        const text = { type: 'text', text: `${question} Answer yes or no.` };
        const content = [{ type: 'image_url', image_url: { url } }, text];
        // n_probs, as a chat completion names it
        const likeliest = { max_tokens: 1, temperature: 0, logprobs: true, top_logprobs: 20 };
        const body = await server.complete({ messages: [{ role: 'user', content }], ...likeliest });
        const { choices } = body as { choices: { logprobs: { content: unknown[] } }[] };
        answers += choices[0]!.logprobs.content.length;
      }
    }
  } finally {
    await server.close();
  }
  return answers;
}

async function compare(): Promise<void> {
  await Promise.all(['small', 'large'].map((name) => mkdir(join(scratch, name), { recursive: true })));
  const small = await writePictures(join(scratch, 'small'), { pictures: 1, width: 16, height: 16 });
  const pictures = await writePictures(join(scratch, 'large'), {
    pictures: Number(flags.pictures),
    width: side,
    height: side,
  });
  const costs = new Map<string, Cost[]>(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < Number(flags.rounds); round++) {
    // The order alternates: what a run leaves in memory helps or harms the next.
    const names = round % 2 === 0 ? [...costs.keys()] : [...costs.keys()].toReversed();
    for (const name of names) {
      const start = await costOf(name, small);
      const whole = await costOf(name, pictures);
      const cost = { wall: whole.wall - start.wall, processor: whole.processor - start.processor };
      costs.get(name)!.push(cost);
      process.stderr.write(`${name}: ${cost.wall.toFixed(2)} s, ${cost.processor.toFixed(2)} of the processor\n`);
    }
  }
  printCosts(costs, pictures.length);
}

/** @throws when a way answered more or fewer questions than asked */
async function costOf(name: string, pictures: readonly string[]): Promise<Cost> {
  const { way, answers: each } = ways[name]!;
  const [wall, processor] = [performance.now(), childrenSeconds()];
  const answers = await way(pictures);
  if (answers !== each * pictures.length) throw new Error(`${name}: ${answers} answers`);
  return { wall: (performance.now() - wall) / 1000, processor: childrenSeconds() - processor };
}

function printCosts(costs: ReadonlyMap<string, readonly Cost[]>, count: number): void {
  print(
    `${count} pictures of ${side}x${side}, ${flags.threads} threads, no start-up, median of rounds: ${flags.rounds}\n`,
  );
  print('| | s a picture | of the processor | times one question of decide | of the processor |');
  print('| --- | ---: | ---: | ---: | ---: |');
  const ones = costs.get('decide, 1 question')!;
  for (const [name, own] of costs) {
    const seconds = (['wall', 'processor'] as const).map((kind) => median(own.map((cost) => cost[kind])) / count);
    const ratios = (['wall', 'processor'] as const).map((kind) =>
      median(own.map((cost, round) => cost[kind] / ones[round]![kind])),
    );
    const cells = [...seconds.map((value) => value.toFixed(3)), ...ratios.map((value) => value.toFixed(2))];
    print(`| ${name} | ${cells.join(' | ')} |`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
