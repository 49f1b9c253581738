/**
 * What a form costs, and what it saves: free text, a schema, and the same with --logprobs, for one sequence and for eight,
 * with `pixtral batch` on a pair of random weights (503 million parameters, Pixtral's whole vocabulary); an older build,
 * and llama-server with LLAMA_CPP, in the same rounds. There are two schemas: a receipt of fifteen fields, three of them
 * texts that a model of noise fills to their ends, and one of a pipeline that has enums, booleans, dates and a list. Then
 * the grammar alone: the tokens of the answers that were written, once more through the automaton. Free text is, record by
 * record, as long as the answers in the form: places that are empty at the end of a run slow both down.
 *
 *   npm run build && [LLAMA_CPP=<tree with build/bin/llama-server>] npm run bench:structured -- <folder with 3 GB free>
 *     [--pair <folder>] [--older <folder of an older build>] [--threads 2] [--rounds 3] [--records 8] [--parallel 1,8]
 *     [--schemas receipt,pipeline] [--server-limit 120]
 *
 * llama-server is given up after so many seconds: with eight slots its answers in a form take many minutes.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { TokenLogprob } from '../../src/asking/events.ts';
import { ForcedSpelling } from '../../src/engine/answers/forced-spelling.ts';
import { readTokenizer } from '../../src/engine/runtime/model-files.ts';
import { readGguf } from '../../src/gguf/read.ts';
import { schemaFormat } from '../../src/grammar/answer-format.ts';
import { Matcher } from '../../src/grammar/matcher.ts';
import { TokenMasks } from '../../src/grammar/token-masks.ts';
import { tokenTrie } from '../../src/grammar/token-trie.ts';
import { binary } from '../helpers/binary.ts';
import { formSchemas } from './form-schemas.ts';
import { startLlamaServer } from './llama-server.ts';
import { median } from './median.ts';
import { childrenSeconds, processSeconds } from './processor-seconds.ts';
import { randomPair } from './random-pair.ts';
import { runCommand } from './run-command.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pair: { type: 'string' },
    older: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '3' },
    records: { type: 'string', default: '8' },
    parallel: { type: 'string', default: '1,8' },
    schemas: { type: 'string', default: 'receipt,pipeline' },
    'server-limit': { type: 'string', default: '120' },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: npm run bench:structured -- <folder> [--older <folder>]');
const scratch = join(folder, 'bench-structured');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
mkdirSync(scratch, { recursive: true });

type SchemaName = keyof typeof formSchemas;
const kinds = ['schema', 'schema and --logprobs 1', 'free text'] as const;
type Kind = (typeof kinds)[number];

interface Run {
  /** Of the whole process, less what a run of one token each takes. */
  wall: number;
  processor: number;
  tokens: number;
  /** Tokens of each answer. */
  lengths: number[];
  /** Of tokens that the grammar forced, where it is told. */
  forced: number | undefined;
  /** Answers that came to their end. */
  answers: number;
  ids: number[][];
}

const schemaNames = flags.schemas.split(',').map((name) => {
  if (name in formSchemas) return name as SchemaName;
  throw new Error(`--schemas: ${name}, expected ${Object.keys(formSchemas).join(', ')}`);
});
const schemaFile = (name: SchemaName): string => join(scratch, `${name}.json`);
for (const name of schemaNames) await writeFile(schemaFile(name), JSON.stringify(formSchemas[name]));
const records = Array.from({ length: Number(flags.records) }, (_, id) => ({
  id,
  images: [],
  prompt: `What was bought, where and when? Receipt ${id}.`,
}));
const pair = flags.pair ?? (await randomPair(scratch, 'q8_0'));
const builds = {
  'this build': binary,
  ...(flags.older && { 'older build': join(resolve(flags.older), 'bin/pixtral.cjs') }),
};
/** What the samplers of both programs are told: llama-server has others by default. */
const sampling = { temperature: 0.8, top_p: 0.95, top_k: 40, min_p: 0.05, seed: 1 };
const maxTokens = 3900;
const contextSize = 4096;
for (const name of schemaNames) {
  const measured = new Map<string, Run[]>();
  for (let round = 0; round < Number(flags.rounds); round++) await measureAll(name, measured);
  print(name, measured);
  await grammarAlone(name, measured);
}

async function measureAll(schema: SchemaName, measured: Map<string, Run[]>): Promise<void> {
  const each = (most: number): number[] => records.map(() => most);
  let freeLengths = each(160);
  const keep = (name: string, run: Run): void => {
    measured.set(name, [...(measured.get(name) ?? []), run]);
    process.stderr.write(
      `${schema}|${name}: ${run.tokens} tokens, ${run.wall.toFixed(1)} s, ${run.processor.toFixed(1)} s of the processor\n`,
    );
  };
  for (const parallel of flags.parallel.split(',')) {
    for (const [build, program] of Object.entries(builds)) {
      const start = await batch(program, { schema, kind: 'free text', parallel, lengths: each(1) });
      for (const kind of kinds) {
        const run = await batch(program, {
          schema,
          kind,
          parallel,
          lengths: kind === 'free text' ? freeLengths : each(maxTokens),
        });
        if (kind === 'schema' && build === 'this build') freeLengths = run.lengths;
        keep(`${kind}|${parallel}|${build}`, {
          ...run,
          wall: run.wall - start.wall,
          processor: run.processor - start.processor,
        });
      }
    }
    const tree = process.env['LLAMA_CPP'];
    if (tree !== undefined)
      keep(`schema|${parallel}|llama-server`, await server(schema, { slots: Number(parallel), tree }));
  }
}

async function batch(
  program: string,
  { schema, kind, parallel, lengths }: { schema: SchemaName; kind: Kind; parallel: string; lengths: readonly number[] },
): Promise<Run> {
  const runtime = [
    '--model',
    pair,
    '--gpu',
    'off',
    '--threads',
    flags.threads,
    '--context',
    String(contextSize),
    '--no-cache',
    '-q',
  ];
  const sampled = Object.entries(sampling).flatMap(([name, value]) => [`--${name.replace('_', '-')}`, String(value)]);
  const formed = kind === 'free text' ? [] : ['--schema', schemaFile(schema)];
  const logged = kind === 'schema and --logprobs 1' ? ['--logprobs', '1'] : [];
  const onLoop = program === binary ? ['--on-loop', 'off'] : [];
  const limited = records.map((record, at) => JSON.stringify({ ...record, max_tokens: lengths[at] }));
  await writeFile(join(scratch, 'records.jsonl'), limited.join('\n'));
  const words = ['batch', '--records', join(scratch, 'records.jsonl'), '--parallel', parallel, ...formed, ...logged];
  const before = childrenSeconds();
  const run = await runCommand([process.execPath, program, ...words, ...runtime, ...sampled, ...onLoop]);
  const lines = run.stdout.trimEnd().split('\n').map(lineOf);
  const told = lines.flatMap(({ logprobs = [] }) => logprobs);
  return {
    wall: run.seconds,
    processor: childrenSeconds() - before,
    tokens: lines.reduce((sum, { usage }) => sum + usage.completion, 0),
    lengths: lines.map(({ usage }) => usage.completion),
    forced: told.length === 0 ? undefined : told.filter((token) => 'forced' in token).length,
    answers: lines.length,
    ids: lines.map(({ logprobs = [] }) => logprobs.map(({ id }) => id!)),
  };
}

interface Line {
  usage: { completion: number };
  logprobs?: TokenLogprob[];
}

function lineOf(text: string): Line {
  const line = JSON.parse(text) as Line & { error?: { message: string } };
  if (line.error) throw new Error(line.error.message);
  return line;
}

/** As many requests at once as it has slots, each with as much context as ours has. */
async function server(schema: SchemaName, { slots, tree }: { slots: number; tree: string }): Promise<Run> {
  const model = ['-m', join(pair, 'model.gguf'), '-t', flags.threads, '-tb', flags.threads, '-ngl', '0'];
  const room = ['-np', String(slots), '-c', String(contextSize * slots)];
  const started = await startLlamaServer([join(tree, 'build/bin/llama-server'), ...model, ...room]);
  try {
    const [start, before] = [performance.now(), processSeconds(started.pid)];
    const todo = records.values();
    const run = { tokens: 0, answers: 0, lengths: [] };
    const limit = AbortSignal.timeout(Number(flags['server-limit']) * 1000);
    const client = async (): Promise<void> => {
      for (const { prompt } of todo) {
        const body = {
          messages: [{ role: 'user', content: prompt }],
          response_format: { type: 'json_schema', json_schema: { name: schema, schema: formSchemas[schema] } },
          ...sampling,
          max_tokens: maxTokens,
          timings_per_token: true,
        };
        let tokens = 0;
        for await (const event of started.stream(body, limit)) {
          const { timings, choices } = event as CompletionChunk;
          tokens = timings?.predicted_n ?? tokens;
          if (choices[0]?.finish_reason === 'stop') run.answers++;
        }
        run.tokens += tokens;
        if (limit.aborted) return;
      }
    };
    await Promise.all(Array.from({ length: slots }, client));
    const wall = (performance.now() - start) / 1000;
    return { ...run, wall, processor: processSeconds(started.pid) - before, forced: undefined, ids: [] };
  } finally {
    await started.close();
  }
}

interface CompletionChunk {
  choices: { finish_reason: string | null }[];
  timings?: { predicted_n: number };
}

function print(schema: SchemaName, measured: ReadonlyMap<string, readonly Run[]>): void {
  const middle = (name: string, value: (run: Run) => number): number => median((measured.get(name) ?? []).map(value));
  const rate = (run: Run): number => run.tokens / run.wall;
  const each = (run: Run): number => (1000 * run.processor) / run.tokens;
  say(
    `${schema}: ${records.length} records, ${flags.threads} threads, median of rounds: ${flags.rounds}; start-up not counted\n`,
  );
  say(
    '| | sequences | | tokens an answer | tokens/s | times free text | answers/s | ms of the processor a token | of free text | forced |',
  );
  say('| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const [name, [first]] of measured) {
    const [form, parallel, build] = name.split('|') as [string, string, string];
    const free = `free text|${parallel}|${build === 'llama-server' ? 'this build' : build}`;
    const cells = [
      first!.answers < records.length ? `${first!.answers} came` : (first!.tokens / records.length).toFixed(0),
      middle(name, rate).toFixed(1),
      (middle(name, rate) / middle(free, rate)).toFixed(2),
      middle(name, (run) => run.answers / run.wall).toFixed(2),
      middle(name, each).toFixed(1),
      (middle(name, each) / middle(free, each)).toFixed(2),
      first!.forced === undefined ? '' : `${((100 * first!.forced) / first!.tokens).toFixed(0)} %`,
    ];
    say(`| ${form} | ${parallel} | ${build} | ${cells.join(' | ')} |`);
  }
}

/** Everything that a form adds to a token, but for the likeliest token among those that are allowed. */
async function grammarAlone(schema: SchemaName, measured: ReadonlyMap<string, readonly Run[]>): Promise<void> {
  const answers = [...measured].find(([name]) => name.startsWith('schema and') && name.endsWith('this build'))![1][0]!
    .ids;
  const tekken = readTokenizer(await readGguf(join(pair, 'model.gguf')), undefined);
  const bytes = (id: number): Uint8Array => tekken.bytes(id);
  const count = tekken.vocabularySize;
  const words = { count, trie: tokenTrie(count, bytes), bytes, ends: [2] };
  const compiling = performance.now();
  const masks = new TokenMasks(schemaFormat(JSON.stringify(formSchemas[schema]), schema).grammar, words);
  const compiled = performance.now() - compiling;
  const took: number[] = [];
  for (const ids of answers) {
    const matcher = new Matcher(masks);
    const spelling = new ForcedSpelling(tekken);
    for (const id of ids) {
      const start = performance.now();
      matcher.mask();
      matcher.accept(id);
      spelling.push(id);
      spelling.ids(matcher.forced(2048));
      took.push(performance.now() - start);
    }
  }
  took.sort((a, b) => a - b);
  const mean = took.reduce((sum, one) => sum + one, 0) / took.length;
  const at = (share: number): string => took[Math.min(took.length - 1, Math.floor(share * took.length))]!.toFixed(3);
  say(
    `\nThe grammar alone, a token and sequence: ${mean.toFixed(3)} ms on average, median ${at(0.5)}, ` +
      `of a hundred the worst ${at(0.99)}, the worst of ${took.length} ${at(1)}; made in ${compiled.toFixed(0)} ms\n`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
