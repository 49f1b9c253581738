/**
 * Command lines of random options, values and environments, as the help pages name them:
 *
 *   npm run attack:words -- --count 1000 --seed 1
 *
 * Each ends by itself or soon after Ctrl-C, with an exit code of ours, says why if it failed, and steers no terminal.
 */
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../fuzz/mutate.ts';
import { printable } from '../../src/output/printable.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { type CliRun, cli } from '../helpers/cli.ts';
import { type Attempts, type Outcome, attack } from './attempts.ts';
import { oneOf } from './hostile-values.ts';

/** What people write. `build` is not tried: it compiles for a minute whatever it is told. */
const usual: Readonly<Record<string, string>> = {
  ask: 'a.png x --model demo --max-tokens 3',
  chat: 'a.png --model demo --max-tokens 3',
  batch: 'a.png sub -p x --model demo --max-tokens 3',
  'batch split': 'a.png sub -p x --for openai --model gpt -o jobs',
  'batch merge': 'jobs out.jsonl',
  decide: 'a.png sub -q red?|blue? --model demo',
  serve: '--model demo --port 0',
  mcp: '--model demo',
  convert: 'sub --out made',
  inspect: 'a.png',
  tokens: 'a.png x --model demo',
  view: 'a.png -o seen.png',
  schema: 'schema.json',
  pull: 'a/b',
  bench: '--model demo',
  completion: 'bash',
  'models show': 'demo',
  'models rm': 'demo',
  'models path': 'demo',
  'models default': 'demo',
};
const commands = [
  ...Object.keys(usual),
  'models',
  'models ls',
  'models verify',
  'cache',
  'cache ls',
  'cache clear',
  'cache verify',
  'doctor',
  'man',
].map((name) => name.split(' '));
/** When a person would press Ctrl-C. */
const patience = 5_000;

const numbers =
  '0 -0 -1 1 2 3 0.5 1e3 1e9 1e308 1e999 NaN Infinity 007 0x10 1_000 ١ 4294967296 9007199254740993 18446744073709551616 1% 2s 3m 4GB 5MB/s'.split(
    ' ',
  );
const files =
  'a.png sub none.png records.jsonl schema.json questions.json transcript.json out.jsonl new/out.jsonl out.png - .'.split(
    ' ',
  );
const names =
  '-- @a.png @none /dev/null /dev/full /dev/zero /dev/stdin a.png/b clip: file:///none http://127.0.0.1:9/a.png http:// http://[::1 ' +
  'unix:/none data:,x demo a,b {text} { null [] constructor __proto__ toString q>0.5 >0.5 q % #1-3 a.png#2 auto off on json q4_k_m f16 ' +
  'a,b:int,c[] 1/2 2/1 0/0 127.0.0.1 :: *';
const texts = [
  '',
  ' ',
  'q=Is it red?',
  'q=a|b: Which?',
  'q=1..5: How red?',
  'root ::= "a"',
  '\u001b[2J',
  '\u202e',
  '\ud800',
  '\u0000',
];
const long = ['('.repeat(5000), '!'.repeat(5000), 'a: {'.repeat(2000), '[{,*'.repeat(1000), 'x'.repeat(100_000)];
const values: readonly string[] = [...numbers, ...files, ...names.split(' '), ...texts, ...long];
const variables =
  'COLUMNS TERM NO_COLOR PIXTRAL_MODEL PIXTRAL_SERVER PIXTRAL_CACHE_SIZE PIXTRAL_THREADS PIXTRAL_GPU HTTPS_PROXY TMPDIR HF_TOKEN';

interface Option {
  name: string;
  /** `<n>`; empty where none follows. */
  value: string;
  choices: readonly string[];
}

interface Command {
  words: readonly string[];
  options: readonly Option[];
}

const tsx = import.meta.resolve('tsx');

await attack(import.meta.url, async (): Promise<Attempts> => {
  const scratch = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
  const home = { XDG_CACHE_HOME: join(scratch, 'cache'), XDG_DATA_HOME: join(scratch, 'data'), HOME: scratch };
  Object.assign(process.env, home);
  process.chdir(scratch);
  process.execArgv = process.execArgv.map((word) => (word === 'tsx' ? tsx : word)); // found from elsewhere too
  const known = await Promise.all(commands.map(readCommand));
  return {
    async attempt(random) {
      await furnish(scratch);
      const command = oneOf(known, random);
      const argv = [...command.words, ...commandLine(command, random)];
      const env = { ...home, ...environment(random), HF_ENDPOINT: 'http://127.0.0.1:9' };
      const stdin = random(3) === 0 ? Buffer.from(oneOf(values, random)) : undefined;
      const stopped = new AbortController();
      const timer = setTimeout(() => stopped.abort(constants.signals.SIGINT), patience);
      const run = await cli(argv, {
        env,
        signal: stopped.signal,
        isTerminal: random(2) === 0,
        ...(stdin && { stdin }),
      });
      clearTimeout(timer);
      return outcomeOf(run, { argv, env });
    },
    async close() {
      process.chdir(tmpdir());
      await rm(scratch, { recursive: true });
    },
  };
});

async function readCommand(words: readonly string[]): Promise<Command> {
  const { stdout } = await cli([...words, '--help']);
  const lines = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)(.*)$/gm)];
  return {
    words,
    options: lines.map(([, name = '', rest = '']) => ({
      name,
      value: /^ ([<[]\S*)/.exec(rest)?.[1] ?? '',
      choices: /choices: (.*?)\)/.exec(rest)?.[1]?.match(/[\w-]+/g) ?? [],
    })),
  };
}

/** Results of earlier attempts are taken away: an attempt follows from its seed alone, but for caches. */
async function furnish(scratch: string): Promise<void> {
  const made = (await readdir(scratch)).filter((name) => name !== 'cache');
  for (const name of made) await rm(join(scratch, name), { recursive: true });
  await mkdir(join(scratch, 'sub'), { recursive: true });
  for (const name of ['a.png', 'b.png', join('sub', 'c.png')])
    await copyFile(scenePath('a-80x48.png'), join(scratch, name));
  await writeFile(
    join(scratch, 'records.jsonl'),
    '{"id":1,"images":["a.png"],"prompt":"x"}\n{"id":2,"images":["none.png"]}\n',
  );
  await writeFile(
    join(scratch, 'schema.json'),
    '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}',
  );
  await writeFile(join(scratch, 'questions.json'), '[{"name":"q","question":"Is it red?"}]');
  await writeFile(join(scratch, 'transcript.json'), '{"messages":[{"role":"user","content":"x"}]}');
}

/** Half of them are what people write, with some options more. */
function commandLine(command: Command, random: Random): string[] {
  const few = Array.from({ length: random(4) }, () => oneOf(command.options, random)).filter(
    ({ name }) => name !== '--help',
  );
  const options = few.flatMap((option) => {
    if (option.value === '') return [option.name];
    const value = valueOf(option, random);
    return random(3) === 0 ? [`${option.name}=${value}`] : [option.name, value];
  });
  const free = Array.from({ length: random(4) }, () => oneOf(values, random));
  const words = random(4) > 0 ? (usual[command.words.join(' ')] ?? '').split(' ').filter(Boolean) : free;
  return random(2) === 0 ? [...words, ...options] : [...options, ...words];
}

/** More often than not of the kind that is asked for, so that it is not refused at once. */
function valueOf({ value, choices }: Option, random: Random): string {
  if (choices.length > 0 && random(3) > 0) return oneOf(choices, random);
  if (random(3) === 0) return oneOf(values, random);
  if (/file|path|folder|source|image|list/.test(value)) return oneOf(files, random);
  return oneOf(random(3) > 0 ? ['1', '2', '3', '8', '0.5', '0'] : numbers, random);
}

function environment(random: Random): Record<string, string> {
  const some = variables.split(' ').filter(() => random(10) === 0);
  return Object.fromEntries(some.map((name) => [name, oneOf(values, random)]));
}

function outcomeOf({ exitCode, stdout, stderr }: CliRun, asked: unknown): Outcome {
  const faults = [
    ![0, 1, 2, 3, 4, 5, 6, 130].includes(exitCode) && `exit ${exitCode}`,
    /this is a bug|^ +at /m.test(stderr) && 'a trace',
    [2, 3, 4, 5].includes(exitCode) && stderr.trim() === '' && 'nothing said',
    printable(stderr) !== stderr && 'steers a terminal',
    stderr.length > 10_000 && 'says too much',
  ].filter((fault) => fault !== false);
  const counts = { answered: exitCode === 0 ? 1 : 0, refused: exitCode === 0 ? 0 : 1 };
  if (faults.length === 0) return counts;
  const what = JSON.stringify(asked).replaceAll(/(.)\1{100,}/g, '$1…');
  return { ...counts, wrong: `${faults.join(', ')}\n${what}\n${stdout.slice(0, 200)}\n${stderr.slice(0, 1500)}` };
}
