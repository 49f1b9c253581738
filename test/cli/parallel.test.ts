import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AskJson } from '../../src/wires/json.ts';
import { answersIn, spawnBatch, untilBytes } from '../helpers/batch-process.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

const pairs = {} as Record<'f16' | 'q8_0', ConvertedPair>;
let scratch: string;
before(async () => {
  for (const type of ['f16', 'q8_0'] as const) pairs[type] = await convertedPair('mistral', type);
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-parallel-'));
});
after(async () => {
  for (const pair of Object.values(pairs)) await pair.remove();
  await rm(scratch, { recursive: true, force: true });
});

type Line = AskJson & { id: string; error?: { code: string; message: string } };
const scenes = ['a-80x48.png', 'b-48x80.png', 'c-64x64.png', 'd-17x33.png'].map(scenePath);

async function recordsFile(records: readonly object[]): Promise<string> {
  const path = join(scratch, 'records.jsonl');
  await writeFile(path, records.map((record) => JSON.stringify(record)).join('\n'));
  return path;
}

async function batch(records: readonly object[], words: readonly string[], type: 'f16' | 'q8_0' = 'f16') {
  const model = ['--model', pairs[type].folder, '--gpu', 'off', '--threads', '1', '--cache-type', type];
  const run = await cli(['batch', '--records', await recordsFile(records), ...model, ...words]);
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  return { ...run, lines: lines.map((line) => JSON.parse(line) as Line) };
}

/** Prompts of 5 to 1,200 ids and answers of 1 to 60, with none to two pictures. */
const mixedRecords = (count: number): Record<string, unknown>[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `r${index}`,
    images: scenes.slice(index % 4, (index % 4) + (index % 3)),
    prompt: `question ${index} ${'and more '.repeat((index * index * 7) % 60)}`,
    max_tokens: 1 + ((index * 13) % 60),
    ...(index % 5 === 4 && { system: 'Be brief.' }),
  }));

const answersOf = (lines: readonly Line[]) =>
  lines.map(({ id, text, finish, logprobs, usage }) => ({ id, text, finish, logprobs, usage }));

for (const type of ['f16', 'q8_0'] as const) {
  for (const [how, words] of [
    ['greedy', ['--temperature', '0', '--logprobs', '2']],
    ['formed', ['--temperature', '0', '--schema', 'shop, total: number, paid: yes|no', '--logprobs', '1']],
    ['drawn', ['--temperature', '1.2', '--top-p', '1', '--seed', '7', '--repeat-penalty', '1.1']],
  ] as const) {
    test(`--reproducible: ${how} answers of ${type} are those of --parallel 1 to the last bit`, async () => {
      const records = mixedRecords(30);
      const alone = await batch(records, ['--parallel', '1', ...words], type);
      const together = await batch(records, ['--parallel', '5', '--reproducible', ...words], type);
      assert.equal(together.exitCode, alone.exitCode, together.stderr); // some forms do not fit into their tokens
      assert.deepEqual(answersOf(together.lines), answersOf(alone.lines));
    });
  }
}

test('one step for all gives the answers of --parallel 1 wherever rounding does not decide', async () => {
  const records = mixedRecords(24);
  const words = ['--temperature', '0', '--max-tokens', '8', '--logprobs', '2'];
  const alone = (await batch(records, ['--parallel', '1', ...words])).lines;
  const together = (await batch(records, ['--parallel', '4', ...words])).lines;
  for (const [index, { logprobs = [] }] of alone.entries()) {
    for (const [at, token] of logprobs.entries()) {
      if ('forced' in token) assert.fail('of free text nothing is forced');
      const { id, top } = token;
      const other = together[index]!.logprobs![at];
      if (top[0]!.logprob - top[1]!.logprob < 0.02) break; // from here on they may differ
      assert.equal(other?.id, id, `record ${index}, token ${at}`);
    }
  }
});

test('answers of a form stand beside free ones, and one that fails harms no other', async () => {
  const records = [
    { id: 'free', images: [scenes[0]], prompt: 'what is this?' },
    { id: 'no picture', images: ['none.png'], prompt: 'x' },
    { id: 'choice', images: [scenes[1]], prompt: 'day or night?' },
    { id: 'too long', images: [], prompt: 'word '.repeat(3000) },
    { id: 'hot', images: [scenes[0]], prompt: 'what?', temperature: 11 },
    { id: 'last', images: [scenes[2]], prompt: 'and this?' },
  ];
  const words = ['--temperature', '0', '--max-tokens', '20', '--context', '1024', '--reproducible'];
  const { exitCode, lines, stderr } = await batch(records, [...words, '--parallel', '3']);
  assert.equal(exitCode, 6);
  assert.match(stderr, /^3 done, 3 failed, 0 skipped$/m);
  assert.deepEqual(
    lines.map(({ id, error }) => [id, error?.code]),
    records.map(({ id }) => [id, ['no picture', 'too long', 'hot'].includes(id) ? 'input' : undefined]),
  );
  assert.deepEqual(answersOf(lines), answersOf((await batch(records, [...words, '--parallel', '1'])).lines));
  const choices = await batch(records, [...words, '--parallel', '3', '--choices', 'day,night,dusk']);
  for (const { text, error } of choices.lines) assert.ok(error ?? ['day', 'night', 'dusk'].includes(text), text);
});

test('questions about one picture in a row run the tower once, without any cache, and share its beginning', async () => {
  const records = Array.from({ length: 6 }, (_, index) => ({
    id: index,
    images: [scenes[0]],
    prompt: index === 3 ? `{1} as the ${index}th` : `question ${index}`,
    system: index === 4 ? 'Another beginning.' : 'Be brief.',
  }));
  const words = ['--no-cache', '--temperature', '0', '--max-tokens', '12', '--reproducible'];
  for (const parallel of ['1', '3']) {
    const { lines } = await batch(records, [...words, '--parallel', parallel]);
    assert.deepEqual(
      lines.map(({ images }) => images[0]!.cached),
      [false, true, true, true, true, true],
    );
    for (const { timings } of lines.slice(1)) assert.equal(timings.encode_ms, 0);
    for (const [index, { text }] of lines.entries()) {
      const [first] = (await batch([records[index]!], words)).lines;
      assert.equal(text, first!.text);
    }
  }
});

test('--as-completed writes each line when its answer is complete; else the order is that of the records', async () => {
  const records = Array.from({ length: 9 }, (_, index) => ({
    id: String(index),
    images: [scenes[index % 4]],
    prompt: 'what is this?',
    max_tokens: index === 0 ? 150 : 2,
  }));
  const words = ['--temperature', '1', '--seed', '1', '--parallel', '3', '--reproducible'];
  const completed = await batch(records, [...words, '--as-completed']);
  const ordered = await batch(records, words);
  const ids = ({ lines }: { lines: Line[] }): string[] => lines.map(({ id }) => id);
  assert.deepEqual(
    ids(ordered),
    records.map(({ id }) => id),
  );
  assert.notEqual(ids(completed)[0], '0');
  const byId = (lines: Line[]) => answersOf(lines.toSorted((one, other) => Number(one.id) - Number(other.id)));
  assert.deepEqual(byId(completed.lines), byId(ordered.lines));
});

test('a prompt that needs a larger context waits for its neighbours, and gets it', async () => {
  const records = [20, 30, 900, 40, 1500, 20].map((words, index) => ({
    id: index,
    images: [scenes[index % 4]],
    prompt: 'w '.repeat(words),
  }));
  const words = ['--temperature', '0', '--max-tokens', '30', '--reproducible'];
  const { lines, stderr } = await batch(records, [...words, '--parallel', '3']);
  assert.match(stderr, /^6 done, 0 failed/m);
  assert.deepEqual(answersOf(lines), answersOf((await batch(records, [...words, '--parallel', '1'])).lines));
});

test('SIGTERM finishes all that are in work, and begins none', async () => {
  const records = Array.from({ length: 400 }, (_, index) => ({
    id: `r${index}`,
    images: [scenes[index % 4]],
    prompt: `question ${index}`,
  }));
  const out = join(scratch, 'term.jsonl');
  const flags = ['--model', pairs.f16.folder, '--gpu', 'off', '--threads', '1', '--no-cache', '--parallel', '4'];
  const child = spawnBatch(['--records', await recordsFile(records), ...flags, '--max-tokens', '50', '-o', out]);
  let stderr = '';
  child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()));
  await untilBytes(child, { path: out, bytes: 1 });
  child.kill('SIGTERM');
  const [code] = await once(child, 'close');
  assert.equal(code, 143, stderr);
  const ids = answersIn(out).map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.map((_, index) => `r${index}`),
  );
  assert.ok(ids.length < 400);
});
