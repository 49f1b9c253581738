/**
 * How fast `pixtral batch` is beside llama.cpp's own tools: the same pair, pictures, prompt and number of tokens through
 * `pixtral batch`, a shell loop of `llama-mtmd-cli` and `llama-server` with as many requests in flight as it has slots;
 * and how much sooner a second `ask` about a picture of 1024x1024 has its first token. The pair has random weights in
 * Pixtral's architecture (503 million parameters), made here and removed, or is the one in --pair (for Pixtral-12B's
 * shapes: `npm run measure:12b -- <folder> --keep`). All ways of one round run one after the other.
 *
 *   npm run build && LLAMA_CPP=<tree with build/bin/llama-server and llama-mtmd-cli> \
 *     npm run bench:batch -- <folder with 3 GB free> [--pair <folder>] [--parallel 1,2,4] [--only batch|ask]
 *     [--type q8_0] [--pictures 16] [--side 256] [--tokens 64] [--threads 2] [--rounds 3] [--common]
 *
 * --common: what batches really look like, a long system prompt and a schema that all records share, four at once, with
 * and without --speculate. Answers are then as long as their form lets them be, in each program in its own way.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePictures } from '../scale/batch-records.ts';
import { type Way, type Work, llamaServer, mtmdLoop, pixtralBatch } from './batch-ways.ts';
import { formSchemas } from './form-schemas.ts';
import { randomPair } from './random-pair.ts';
import { type FirstToken, askTwice } from './second-ask.ts';
import { median } from './median.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pair: { type: 'string' },
    parallel: { type: 'string', default: '' },
    only: { type: 'string' },
    type: { type: 'string', default: 'q8_0' },
    pictures: { type: 'string', default: '16' },
    side: { type: 'string', default: '256' },
    tokens: { type: 'string', default: '64' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '3' },
    common: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
const tree = process.env['LLAMA_CPP'];
if (folder === undefined || (tree === undefined && flags.only !== 'ask')) {
  throw new Error('usage: LLAMA_CPP=<tree> npm run bench:batch -- <folder> [--pair <folder>] [--parallel 1,2,4]');
}
const [side, tokens, threads, rounds] = [flags.side, flags.tokens, flags.threads, flags.rounds].map(Number) as [
  number,
  number,
  number,
  number,
];
const scratch = join(folder, 'bench-batch');
const peer = 'llama-server -np 4';
const moments: Record<keyof FirstToken, string> = {
  process: 'from the start of the process',
  load: 'from the start of loading the model',
  picture: 'with the model loaded',
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Children go with this process.
  process.once(signal, () => process.exit(1));
}
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
mkdirSync(scratch, { recursive: true });

const pair = flags.pair ?? (await randomPair(scratch, flags.type));
if (flags.only !== 'ask') await compareWays();
if (flags.only !== 'batch') await compareAsks();

async function compareWays(): Promise<void> {
  const tool = (name: string): string => join(tree!, 'build/bin', name);
  const parallel = flags.parallel === '' ? [undefined] : flags.parallel.split(',');
  const server = llamaServer(tool('llama-server'), 4);
  const ways = flags.common
    ? [pixtralBatch('4'), pixtralBatch('4', ['--speculate']), server]
    : [...parallel.map((count) => pixtralBatch(count)), mtmdLoop(tool('llama-mtmd-cli')), server];
  const work = await makeWork();
  const runs = new Map<string, Timed[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // The order alternates: what a run leaves in memory helps or harms the next.
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) runs.get(way.name)!.push(await timed(way, work));
  }
  printWays(runs, work);
}

async function makeWork(): Promise<Work> {
  const small = join(scratch, 'smallest');
  const large = join(scratch, 'pictures');
  for (const made of [small, large]) await mkdir(made, { recursive: true });
  const [smallest] = await writePictures(small, { pictures: 1, width: 16, height: 16 });
  const pictures = await writePictures(large, { pictures: Number(flags.pictures), width: side, height: side });
  // One break behind each row of patches, and room for the question.
  const promptRoom = (side / 16) * (side / 16 + 1) + 64 + (flags.common ? 512 : 0);
  const contextSize = Math.ceil((promptRoom + tokens) / 256) * 256;
  const prompt = 'What is on this picture?';
  const common = flags.common ? await makeCommon() : undefined;
  return { pair, pictures, smallest: smallest!, prompt, tokens, contextSize, threads, scratch, common };
}

async function makeCommon(): Promise<NonNullable<Work['common']>> {
  const [schema, schemaFile] = [formSchemas.pipeline, join(scratch, 'schema.json')];
  await writeFile(schemaFile, JSON.stringify(schema));
  const rule =
    'Say only what can be seen, in plain words; leave out what is not there, and never guess names of people. ';
  return { system: `You file documents. ${rule.repeat(12)}`, schema, schemaFile };
}

interface Timed {
  /** Seconds, start-up included and not. */
  whole: number;
  warm: number;
  /** Of the processor, start-up included. */
  processor: number;
  promptTokens: number;
  /** Of all answers. */
  tokens: number;
}

/** @throws when a way answered other questions than asked, or less than the others */
async function timed(way: Way, work: Work): Promise<Timed> {
  const { seconds, processorSeconds, startSeconds, answers } = await way.run(work);
  const counts = new Set(answers.map(({ prompt, completion }) => `${prompt} + ${completion}`));
  const [first] = answers;
  const areAlike = work.common !== undefined || (counts.size === 1 && first!.completion === work.tokens);
  if (answers.length !== work.pictures.length || !areAlike) {
    throw new Error(`${way.name}: ${answers.length} answers with ${[...counts].join(', ')} tokens`);
  }
  process.stderr.write(
    `${way.name}: ${seconds.toFixed(1)} s, ${startSeconds.toFixed(1)} s of them start-up, ${processorSeconds.toFixed(1)} s of the processor\n`,
  );
  const all = answers.reduce((sum, { completion }) => sum + completion, 0);
  return {
    whole: seconds,
    warm: seconds - startSeconds,
    processor: processorSeconds,
    promptTokens: first!.prompt,
    tokens: all,
  };
}

function printWays(runs: ReadonlyMap<string, readonly Timed[]>, { pictures }: Work): void {
  const promptTokens = new Set([...runs.values()].flat().map((run) => run.promptTokens));
  if (promptTokens.size !== 1 && !flags.common)
    throw new Error(`prompts differ: ${[...promptTokens].join(', ')} tokens`);
  print(
    `${pictures.length} pictures of ${side}x${side}, each ${[...promptTokens].join(' or ')} prompt tokens and ${flags.common ? 'a form' : tokens} answered, ` +
      `${threads} threads, ${flags.pair === undefined ? `random weights, ${flags.type}` : pair}, median of ${rounds} rounds\n`,
  );
  print(
    '| | s | pictures/s | tokens/s | ratio | without start-up: s | pictures/s | tokens/s | ratio | ms of the processor a token | ratio |',
  );
  print('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  const peers = runs.get(peer)!;
  for (const [name, own] of runs) {
    const cells = (['whole', 'warm'] as const).flatMap((kind) => {
      const seconds = median(own.map((run) => run[kind]));
      const rate = pictures.length / seconds;
      const ratios = own.map((run, round) => peers[round]![kind] / run[kind]);
      return [seconds.toFixed(2), rate.toFixed(2), (own[0]!.tokens / seconds).toFixed(1), spread(ratios)];
    });
    const each = (run: Timed): number => (1000 * run.processor) / run.tokens;
    cells.push(median(own.map(each)).toFixed(1), spread(own.map((run, round) => each(peers[round]!) / each(run))));
    print(`| ${name} | ${cells.join(' | ')} |`);
  }
  print(`\nratio: how many times as fast as ${peer}, in the same round (least to most)\n`);
}

async function compareAsks(): Promise<void> {
  const [picture] = await writePictures(scratch, { pictures: 1, width: 1024, height: 1024 });
  const asks: Awaited<ReturnType<typeof askTwice>>[] = [];
  for (let round = 0; round < rounds; round++) asks.push(await askTwice(picture!, { pair, threads, scratch }));
  print('| s to the first token, picture of 1024x1024 | first ask | second ask, another question | times sooner |');
  print('| --- | ---: | ---: | ---: |');
  for (const [since, what] of Object.entries(moments) as [keyof FirstToken, string][]) {
    const [first, second] = (['first', 'second'] as const).map((turn) => median(asks.map((ask) => ask[turn][since])));
    const ratios = asks.map((ask) => ask.first[since] / ask.second[since]);
    print(`| ${what} | ${first!.toFixed(2)} | ${second!.toFixed(2)} | ${spread(ratios)} |`);
  }
}

function spread(values: readonly number[]): string {
  const shown = median(values).toFixed(2);
  return values.length === 1
    ? shown
    : `${shown} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
