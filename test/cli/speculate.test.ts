import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AskJson } from '../../src/wires/json.ts';
import { readScenes } from '../demo/scenes.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';

const folder = scenePath('demo');
let scratch: string;
before(async () => (scratch = await mkdtemp(join(tmpdir(), 'pixtral-speculate-'))));
after(() => rm(scratch, { recursive: true, force: true }));

/** Each drawing three times, as a batch whose answers have much in common. */
async function answers(words: readonly string[]): Promise<{ texts: string[]; steps: number }> {
  const scenes = readScenes(folder)
    .filter(({ kind }) => kind === 'json')
    .slice(0, 3);
  const records = [0, 1, 2].flatMap((round) =>
    scenes.map(({ id, images, prompt }) => ({
      id: `${id}-${round}`,
      images: images.map((image) => join(folder, image)),
      prompt,
    })),
  );
  const [file, trace] = [join(scratch, 'records.jsonl'), join(scratch, 'trace.json')];
  await writeFile(file, records.map((record) => JSON.stringify(record)).join('\n'));
  const runtime = ['--model', 'demo', '--gpu', 'off', '--threads', '1', '--no-cache', '-q', '--trace', trace];
  const run = await cli(['batch', '--records', file, '--seed', '3', ...runtime, ...words]);
  assert.equal(run.exitCode, 0, run.stderr);
  const lines = run.stdout.trimEnd().split('\n');
  const steps = (await readFile(trace, 'utf8')).split('"name":"decode"').length - 1;
  return { texts: lines.map((line) => (JSON.parse(line) as AskJson).text), steps };
}

test('--speculate writes the same answers in fewer steps, one at a time and several at once', async () => {
  const alone = await answers(['--parallel', '1']);
  const guessed = await answers(['--parallel', '1', '--speculate']);
  assert.deepEqual(guessed.texts, alone.texts);
  assert.ok(guessed.steps < 0.7 * alone.steps, `${guessed.steps} steps, without it ${alone.steps}`);
  const together = await answers(['--parallel', '3', '--speculate']);
  assert.deepEqual(together.texts, alone.texts);
});

test('--speculate and --reproducible exclude each other', async () => {
  const run = await cli(['batch', 'x.png', '-p', 'x', '--speculate', '--reproducible']);
  assert.equal(run.exitCode, 2);
  assert.match(run.stderr, /--speculate/);
});
