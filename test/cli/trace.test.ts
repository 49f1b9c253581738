import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';
import { readTrace } from '../helpers/trace-events.ts';

let pair: ConvertedPair;
let folder: string;
let runtime: string[];
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  folder = await mkdtemp(join(tmpdir(), 'pixtral-trace-cli-'));
  runtime = ['--model', pair.folder, '--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '6'];
});
after(async () => {
  await pair.remove();
  await rm(folder, { recursive: true, force: true });
});

const picture = scenePath('a-80x48.png');
interface Told {
  timings: {
    questions: number;
    whole_ms: number;
    other_ms: number;
    stages: Record<string, { times: number; ms: number }>;
  };
}
const toldIn = (stderr: string): Told['timings'] =>
  stderr
    .split('\n')
    .filter((line) => line.includes('"timings"'))
    .map((line) => (JSON.parse(line) as Told).timings)[0]!;

test('ask tells what each stage took, the grammar too, and writes a trace of the same', async () => {
  const path = join(folder, 'ask.json');
  const words = ['ask', picture, 'which?', '--choices', 'yes,no', ...runtime];
  const traced = ['--json', '--timings', '--trace', path];
  const { exitCode, stdout, stderr } = await cli([...words, ...traced], { env: { PIXTRAL_CACHE: folder } });
  assert.equal(exitCode, 0, stderr);
  const { questions, stages, whole_ms: whole, other_ms: other } = toldIn(stderr);
  assert.equal(questions, 1);
  const expected = ['start', 'picture', 'libraries', 'weights', 'tower_weights', 'tower', 'prefill', 'draw', 'grammar'];
  for (const stage of [...expected, 'grammar_beside', 'cache_read', 'cache_write']) {
    assert.ok(stages[stage] && stages[stage].ms >= 0, stage);
  }
  assert.equal(stages['tower']!.times, 1);
  assert.ok(stages['grammar']!.ms <= stages['draw']!.ms + 1);
  assert.ok(other <= whole);
  const events = readTrace(await readFile(path, 'utf8'));
  for (const [stage, { times }] of Object.entries(stages)) {
    const begun = events.filter(({ name, ph }) => name === stage && ph !== 'e');
    assert.equal(begun.length, times, stage);
  }
  const plain = await cli([...words, '--json']);
  const textOf = (line: string): unknown => (JSON.parse(line) as { text: string }).text;
  assert.equal(textOf(stdout), textOf(plain.stdout));
});

test('batch and decide tell every question of theirs', async () => {
  const pictures = [picture, scenePath('b-48x80.png'), scenePath('c-64x64.png')];
  for (const [command, ...words] of [
    ['batch', '-p', 'what?'],
    ['decide', '-q', 'Is it red?'],
  ] as const) {
    const path = join(folder, `${command}.json`);
    const settings = command === 'batch' ? runtime : runtime.slice(0, 6);
    const run = await cli([command, ...pictures, ...words, ...settings, '--timings', '--trace', path, '--json']);
    assert.equal(run.exitCode, 0, run.stderr);
    const { questions, stages } = toldIn(run.stderr);
    assert.equal(questions, 3);
    assert.deepEqual(
      ['picture', 'tower', 'write'].map((stage) => stages[stage]?.times),
      [3, 3, 3],
    );
    assert.ok(stages['decode']!.times > 0);
    const events = readTrace(await readFile(path, 'utf8'));
    const records = events.filter(({ name, ph }) => name === 'question' && ph === 'b');
    assert.deepEqual(new Set(records.map(({ args }) => args?.['record'])), new Set([1, 2, 3]));
  }
});

test('a command that fails tells its timings too, and its own error last', async () => {
  const path = join(folder, 'failed.json');
  const { exitCode, stderr } = await cli([
    'ask',
    join(folder, 'none.png'),
    'x',
    ...runtime,
    '--timings',
    '--trace',
    path,
  ]);
  assert.equal(exitCode, 3);
  assert.match(stderr, /^stage .*\nwhole .*\nerror: .*none\.png/s);
  readTrace(await readFile(path, 'utf8'));
});

test('a trace that cannot be written is refused before anything is done', async () => {
  const path = join(folder, 'notes.txt');
  await writeFile(path, 'mine');
  const { exitCode, stdout, stderr } = await cli(['ask', picture, 'x', ...runtime, '--trace', path]);
  assert.equal(exitCode, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /--trace .*notes\.txt: is there already and is no trace/);
  assert.equal(await readFile(path, 'utf8'), 'mine');
});
