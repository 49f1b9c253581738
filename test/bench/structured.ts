/**
 * What a form costs, and what it saves: free text, a receipt schema of fifteen fields, and the same with --logprobs, for
 * one sequence and for eight, with `pixtral batch` on a pair of random weights (503 million parameters, Pixtral's whole
 * vocabulary); an older build, and llama-server with LLAMA_CPP, in the same rounds. Then the grammar alone: the tokens of
 * the answers that were written, once more through the automaton.
 *
 *   npm run build && [LLAMA_CPP=<tree with build/bin/llama-server>] npm run bench:structured -- <folder with 3 GB free>
 *     [--pair <folder>] [--older <folder of an older build>] [--threads 2] [--rounds 3] [--records 8] [--parallel 1,8]
 */
import { mkdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
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
import { startLlamaServer } from './llama-server.ts';
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
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: npm run bench:structured -- <folder> [--older <folder>]');
const scratch = join(folder, 'bench-structured');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
mkdirSync(scratch, { recursive: true });

const text = (maxLength: number) => ({ type: 'string', maxLength });
const amount = { type: 'number', minimum: 0, maximum: 9999 };
const receipt = {
  type: 'object',
  properties: {
    shop_name: text(24),
    street_address: text(24),
    postal_code: { type: 'string', pattern: '^[0-9]{5}$' },
    purchase_date: { type: 'string', format: 'date' },
    purchase_time: { type: 'string', format: 'time' },
    receipt_number: text(12),
    payment_method: { enum: ['cash', 'card', 'voucher', 'transfer'] },
    currency_code: { enum: ['EUR', 'USD', 'GBP', 'CHF'] },
    net_amount: amount,
    value_added_tax: amount,
    total_amount: amount,
    amount_given: amount,
    change_returned: amount,
    customer_card: { type: 'boolean' },
    items_bought: { type: 'integer', minimum: 1, maximum: 99 },
  },
  additionalProperties: false,
};
const schema = { ...receipt, required: Object.keys(receipt.properties) };

const forms = {
  'free text': [],
  schema: ['--schema', join(scratch, 'receipt.json')],
  'schema and --logprobs 1': ['--schema', join(scratch, 'receipt.json'), '--logprobs', '1'],
} as const;
type Form = keyof typeof forms;

interface Run {
  /** Of the whole process, less what a run of one token each takes. */
  wall: number;
  processor: number;
  tokens: number;
  /** Of tokens that the grammar forced, where it is told. */
  forced: number | undefined;
  ids: number[][];
}

await writeFile(join(scratch, 'receipt.json'), JSON.stringify(schema));
const records = Array.from({ length: Number(flags.records) }, (_, id) => ({
  id,
  images: [],
  prompt: `What was bought, where and when? Receipt ${id}.`,
}));
await writeFile(join(scratch, 'records.jsonl'), records.map((record) => JSON.stringify(record)).join('\n'));
const pair = flags.pair ?? (await randomPair(scratch, 'q8_0'));
const builds = {
  'this build': binary,
  ...(flags.older && { 'older build': join(resolve(flags.older), 'bin/pixtral.cjs') }),
};
const measured = new Map<string, Run[]>();
/** Free text is as long as the answers in the form are on average. */
let freeTokens = 160;
for (let round = 0; round < Number(flags.rounds); round++) await measureAll();
print();
await grammarAlone();

async function measureAll(): Promise<void> {
  for (const parallel of flags.parallel.split(',')) {
    for (const [build, program] of Object.entries(builds)) {
      const start = await batch(program, { form: 'free text', parallel, maxTokens: 1 });
      for (const form of ['schema', 'schema and --logprobs 1', 'free text'] as const) {
        const run = await batch(program, { form, parallel, maxTokens: form === 'free text' ? freeTokens : 4000 });
        if (form === 'schema' && build === 'this build') freeTokens = Math.round(run.tokens / records.length);
        keep(`${form}|${parallel}|${build}`, {
          ...run,
          wall: run.wall - start.wall,
          processor: run.processor - start.processor,
        });
      }
    }
    if (process.env['LLAMA_CPP'] !== undefined) await server(Number(parallel), process.env['LLAMA_CPP']);
  }
}

function keep(name: string, run: Run): void {
  measured.set(name, [...(measured.get(name) ?? []), run]);
  process.stderr.write(
    `${name}: ${run.tokens} tokens, ${run.wall.toFixed(1)} s, ${run.processor.toFixed(1)} s of the processor\n`,
  );
}

async function batch(
  program: string,
  { form, parallel, maxTokens }: { form: Form; parallel: string; maxTokens: number },
): Promise<Run> {
  const runtime = [
    '--model',
    pair,
    '--gpu',
    'off',
    '--threads',
    flags.threads,
    '--context',
    '4096',
    '--no-cache',
    '-q',
  ];
  const sampling = ['--temperature', '0.8', '--seed', '1', '--max-tokens', String(maxTokens)];
  const onLoop = program === binary ? ['--on-loop', 'off'] : [];
  const words = ['batch', '--records', join(scratch, 'records.jsonl'), '--parallel', parallel, ...forms[form]];
  const command = [process.execPath, program, ...words, ...runtime, ...sampling, ...onLoop];
  const out = join(scratch, 'out.jsonl');
  // The shell tells what its children took of the processor.
  const run = await runCommand(['sh', '-c', '"$@" >"$OUT" || exit; times', 'sh', ...command], { OUT: out });
  const lines = (await readFile(out, 'utf8')).trimEnd().split('\n').map(lineOf);
  const logged = lines.flatMap(({ logprobs = [] }) => logprobs);
  return {
    wall: run.seconds,
    processor: processorSeconds(run.stdout),
    tokens: lines.reduce((sum, { usage }) => sum + usage.completion, 0),
    forced: logged.length === 0 ? undefined : logged.filter((token) => 'forced' in token).length,
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

/** Of the second line of `times`: user and system of the children. */
function processorSeconds(times: string): number {
  const [user, system] = [
    ...times
      .trimEnd()
      .split('\n')
      .at(-1)!
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  return [user!, system!].reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

async function server(slots: number, tree: string): Promise<void> {
  const model = [
    '-m',
    join(pair, 'model.gguf'),
    '-t',
    flags.threads,
    '-ngl',
    '0',
    '-np',
    String(slots),
    '-c',
    String(4096 * slots),
  ];
  const started = await startLlamaServer([join(tree, 'build/bin/llama-server'), ...model]);
  try {
    const start = performance.now();
    const todo = records.values();
    let tokens = 0;
    const client = async (): Promise<void> => {
      for (const { prompt } of todo) {
        const body = {
          messages: [{ role: 'user', content: prompt }],
          response_format: { type: 'json_schema', json_schema: { name: 'receipt', schema } },
          temperature: 0.8,
          seed: 1,
        };
        tokens += ((await started.complete(body)) as { usage: { completion_tokens: number } }).usage.completion_tokens;
      }
    };
    await Promise.all(Array.from({ length: slots }, client));
    const wall = (performance.now() - start) / 1000;
    keep(`schema|${slots}|llama-server`, { wall, processor: Number.NaN, tokens, forced: undefined, ids: [] });
  } finally {
    await started.close();
  }
}

function print(): void {
  const median = (name: string, value: (run: Run) => number): number => {
    const values = (measured.get(name) ?? []).map(value).toSorted((a, b) => a - b);
    return values[values.length >> 1] ?? Number.NaN;
  };
  const rate = (run: Run): number => run.tokens / run.wall;
  const each = (run: Run): number => (1000 * run.processor) / run.tokens;
  say(
    `${records.length} records, answers of about ${freeTokens} tokens, ${flags.threads} threads, median of ${flags.rounds} rounds\n`,
  );
  say('| | sequences | | tokens/s | times free text | ms of the processor a token | of free text | forced |');
  say('| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |');
  for (const [name, [first]] of measured) {
    const [form, parallel, build] = name.split('|') as [string, string, string];
    const free = `free text|${parallel}|${build === 'llama-server' ? 'this build' : build}`;
    const cells = [
      median(name, rate).toFixed(1),
      (median(name, rate) / median(free, rate)).toFixed(2),
      median(name, each).toFixed(1),
      (median(name, each) / median(free, each)).toFixed(2),
      first!.forced === undefined ? '' : `${((100 * first!.forced) / first!.tokens).toFixed(0)} %`,
    ];
    say(`| ${form} | ${parallel} | ${build} | ${cells.join(' | ')} |`);
  }
}

/** Everything that a form adds to a token, but for the likeliest token among those that are allowed. */
async function grammarAlone(): Promise<void> {
  const answers = [...measured].find(([name]) => name.startsWith('schema and') && name.endsWith('this build'))![1][0]!
    .ids;
  const tekken = readTokenizer(await readGguf(join(pair, 'model.gguf')), undefined);
  const bytes = (id: number): Uint8Array => tekken.bytes(id);
  const count = tekken.vocabularySize;
  const words = { count, trie: tokenTrie(count, bytes), bytes, ends: [2] };
  const compiling = performance.now();
  const masks = new TokenMasks(schemaFormat(JSON.stringify(schema), 'receipt').grammar, words);
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
      `of a hundred the worst ${at(0.99)}, the worst of ${took.length} ${at(1)}; made in ${compiled.toFixed(0)} ms`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
