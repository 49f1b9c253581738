/**
 * `pixtral serve` beside llama-server: the same pair, as many requests in flight as each has slots, one load generator.
 *
 * * throughput of short prompts without pictures;
 * * throughput of further questions about pictures that were asked about before both were started anew;
 * * the first token of such a question about a large picture, streamed;
 * * what HTTP adds to the engine's own account of a request, and `ask --server auto` on the demo model as a process.
 *
 * Both are told of the same sizes and threads; each part runs both one after the other, and the order alternates. Processor
 * seconds of the servers stand beside those of the clock; on a busy machine neither means much.
 *
 *   npm run build && LLAMA_CPP=<tree with build/bin/llama-server> \
 *     npm run bench:serve -- <folder with 3 GB free> [--pair <folder>] [--only texts,pictures,first,overhead,ask]
 *     [--requests 64] [--tokens 32] [--pictures 8] [--side 512] [--large 1024] [--slots 8] [--threads 2] [--rounds 3]
 */
import { mkdirSync, rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePictures } from '../scale/batch-records.ts';
import { median } from './median.ts';
import { randomPair } from './random-pair.ts';
import { pixtral, runCommand } from './run-command.ts';
import { type BenchServer, type ServerKind, startServer } from './serve-ways.ts';

const parts = { texts, pictures, first, overhead, ask };
type Part = keyof typeof parts;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pair: { type: 'string' },
    only: { type: 'string', default: Object.keys(parts).join(',') },
    requests: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '32' },
    pictures: { type: 'string', default: '8' },
    side: { type: 'string', default: '512' },
    large: { type: 'string', default: '1024' },
    slots: { type: 'string', default: '8' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '3' },
  },
});
const [folder] = positionals;
const tree = process.env['LLAMA_CPP'];
if (folder === undefined || tree === undefined) {
  throw new Error('usage: LLAMA_CPP=<tree> npm run bench:serve -- <folder> [--pair <folder>] [--only texts,ask]');
}
const number = (name: 'requests' | 'tokens' | 'pictures' | 'side' | 'large' | 'slots' | 'threads' | 'rounds'): number =>
  Number(flags[name]);
const [tokens, slots, rounds] = [number('tokens'), number('slots'), number('rounds')];
const scratch = join(folder, 'bench-serve');
/** The first is asked before the restart. */
const questions = ['What is on it?', 'Which colours are there?', 'Is it a photograph?', 'What is on the left?'];
const kinds: readonly ServerKind[] = ['pixtral', 'llama'];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });

const pair = flags.pair ?? (await randomPair(scratch, 'q8_0'));
for (const part of flags.only.split(',')) {
  if (!(part in parts)) throw new Error(`--only ${part}: expected some of ${Object.keys(parts).join(', ')}`);
  await parts[part as Part]();
}

/** Seconds of all answers, and what the processor did for them. */
interface Cost {
  wall: number;
  processor: number;
}

async function texts(): Promise<void> {
  const asked = Array.from({ length: number('requests') }, (_, index) => requestOf(`What is ${index} plus ${index}?`));
  const costs = await inTurn(async (kind) => {
    const server = await start(kind, { contextSize: 256 });
    try {
      await load(server, [requestOf('What is this?')]);
      return await load(server, asked);
    } finally {
      await server.close();
    }
  });
  printCosts(`${asked.length} short prompts, ${tokens} tokens each, ${slots} at once`, costs);
}

async function pictures(): Promise<void> {
  const side = number('side');
  const urls = await pictureUrls(number('pictures'), side);
  const [before, ...after] = questions.map((text) => urls.map((url) => requestOf(text, url)));
  const costs = await inTurn((kind) =>
    afterRestart(kind, {
      contextSize: contextFor(side),
      before: before!,
      measured: (server) => load(server, after.flat()),
    }),
  );
  printCosts(`${questions.length - 1} more questions about each of ${urls.length} pictures of ${side}x${side}`, costs);
}

async function first(): Promise<void> {
  const side = number('large');
  const [url] = await pictureUrls(1, side);
  const [before, after] = questions.map((text) => requestOf(text, url));
  const costs = await inTurn((kind) =>
    afterRestart(kind, {
      contextSize: contextFor(side),
      before: [before!],
      measured: async (server) => timed(server, () => server.firstToken(after!)),
    }),
  );
  printCosts(`first token of another question about a picture of ${side}x${side}`, costs);
}

/** What the engine does not count as its own: HTTP, JSON, the queue, the tokenizer; in the server alone, and for a client. */
async function overhead(): Promise<void> {
  const server = await start('pixtral', { contextSize: 256 });
  const [over, inside]: [number[], number[]] = [[], []];
  try {
    for (let index = 0; index < number('requests'); index++) {
      const before = await server.requestSeconds();
      const from = performance.now();
      const { milliseconds } = await server.complete({ ...requestOf(`What is ${index}?`), max_tokens: 1 });
      const took = performance.now() - from;
      if (index <= 4) continue;
      over.push(took - milliseconds!);
      inside.push(((await server.requestSeconds()) - before) * 1000 - milliseconds!);
    }
  } finally {
    await server.close();
  }
  const shown = (values: readonly number[]): string =>
    `${median(values).toFixed(2)} ms (${quantile(values, 0.9).toFixed(2)} ms of 9 in 10)`;
  print(
    `what HTTP adds to a request: ${shown(inside)} in the server, ${shown(over)} with a client on the same machine\n`,
  );
}

async function ask(): Promise<void> {
  const server = await startServer('pixtral', { ...shape(256), pair: 'demo' });
  const took: number[] = [];
  const [picture] = await writePictures(scratch, { pictures: 1, width: 64, height: 64 });
  const words = [
    'ask',
    picture!,
    'what do you see?',
    '--model',
    'demo',
    '--gpu',
    'off',
    '--temperature',
    '0',
    '--verbose',
  ];
  const sizes = ['--context', '256', '--threads', flags.threads, '--cache-type', 'f16', '--server', 'auto'];
  try {
    for (let run = 0; run < 10 * rounds; run++) {
      const { seconds, stderr } = await runCommand([...pixtral, ...words, ...sizes], server.env);
      if (!stderr.includes('asking pixtral serve')) throw new Error(`it did not find the server: ${stderr}`);
      if (run > 0) took.push(seconds * 1000);
    }
  } finally {
    await server.close();
  }
  print(
    `ask --server auto on the demo model, from start to exit: ${median(took).toFixed(0)} ms (least ${Math.min(...took).toFixed(0)})\n`,
  );
}

function requestOf(text: string, url?: string): object {
  const picture = url === undefined ? [] : [{ type: 'image_url', image_url: { url } }];
  const content = url === undefined ? text : [...picture, { type: 'text', text }];
  return { messages: [{ role: 'user', content }], max_tokens: tokens, temperature: 0, seed: 1 };
}

async function pictureUrls(count: number, side: number): Promise<string[]> {
  const paths = await writePictures(scratch, { pictures: count, width: side, height: side });
  const bytes = await Promise.all(paths.map((path) => readFile(path)));
  return bytes.map((one) => `data:image/png;base64,${one.toString('base64')}`);
}

/** One break behind each row of patches, and room for the question. */
function contextFor(side: number): number {
  return Math.ceil(((side / 16) * (side / 16 + 1) + 64 + tokens) / 256) * 256;
}

function shape(contextSize: number) {
  return { contextSize, slots, threads: number('threads'), scratch, tree: tree! };
}

function start(kind: ServerKind, { contextSize }: { contextSize: number }): Promise<BenchServer> {
  return startServer(kind, { ...shape(contextSize), pair });
}

/** What is measured once a server that has answered `before` was stopped and started anew. */
async function afterRestart(
  kind: ServerKind,
  {
    contextSize,
    before,
    measured,
  }: { contextSize: number; before: readonly object[]; measured: (server: BenchServer) => Promise<Cost> },
): Promise<Cost> {
  await rm(join(scratch, 'cache'), { recursive: true, force: true });
  const earlier = await start(kind, { contextSize });
  await load(earlier, before).finally(() => earlier.close());
  const server = await start(kind, { contextSize });
  return measured(server).finally(() => server.close());
}

/** As many in flight as there are slots. @throws when an answer is shorter or longer than asked */
function load(server: BenchServer, asked: readonly object[]): Promise<Cost> {
  return timed(server, async () => {
    const todo = asked.values();
    const client = async (): Promise<void> => {
      for (const request of todo) {
        const { completion } = await server.complete(request);
        if (completion !== tokens) throw new Error(`${server.kind}: ${completion} tokens were answered`);
      }
    };
    await Promise.all(Array.from({ length: slots }, client));
  });
}

async function timed(server: BenchServer, work: () => Promise<void>): Promise<Cost> {
  const [wall, processor] = [performance.now(), server.processorSeconds()];
  await work();
  return { wall: (performance.now() - wall) / 1000, processor: server.processorSeconds() - processor };
}

async function inTurn(run: (kind: ServerKind) => Promise<Cost>): Promise<Map<ServerKind, Cost[]>> {
  const costs = new Map<ServerKind, Cost[]>(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const cost = await run(kind);
      costs.get(kind)!.push(cost);
      process.stderr.write(`${kind}: ${cost.wall.toFixed(3)} s, ${cost.processor.toFixed(2)} of the processor\n`);
    }
  }
  return costs;
}

function printCosts(what: string, costs: ReadonlyMap<ServerKind, readonly Cost[]>): void {
  const ratios = (key: keyof Cost): number[] =>
    costs.get('llama')!.map((cost, round) => cost[key] / costs.get('pixtral')![round]![key]);
  const spread = ratios('wall');
  print(`${what}, ${flags.threads} threads, median of ${rounds} rounds\n`);
  print('| | s | of the processor |');
  print('| --- | ---: | ---: |');
  for (const [kind, own] of costs) {
    const cells = (['wall', 'processor'] as const).map((key) => median(own.map((cost) => cost[key])).toFixed(2));
    print(`| ${kind} | ${cells.join(' | ')} |`);
  }
  print(
    `\ntimes as fast as llama-server: ${median(spread).toFixed(2)} (${Math.min(...spread).toFixed(2)} to ${Math.max(...spread).toFixed(2)}), ` +
      `in processor seconds ${median(ratios('processor')).toFixed(2)}\n`,
  );
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(share * (values.length - 1))]!;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
