import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { AskJson } from '../../../src/wires/json.ts';
import { scenePath } from '../../helpers/checkpoints.ts';
import { cli } from '../../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';

let pair: ConvertedPair;
let other: ConvertedPair;
let cache: string;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  other = await convertedPair('mistral', 'q8_0');
});
after(async () => {
  await pair.remove();
  await other.remove();
});
beforeEach(async (t) => {
  cache = await mkdtemp(join(tmpdir(), 'pixtral-kept-'));
  (t as { after(done: () => Promise<void>): void }).after(() => rm(cache, { recursive: true, force: true }));
});

const [a, b] = [scenePath('a-80x48.png'), scenePath('b-48x80.png')];

async function ask(...words: string[]): Promise<AskJson> {
  const flags = ['--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '12', '--json'];
  const model = words.includes('--model') ? [] : ['--model', pair.folder];
  const { exitCode, stdout, stderr } = await cli(['ask', ...words, ...model, ...flags], {
    env: { PIXTRAL_CACHE: cache, PIXTRAL_CACHE_SIZE: '100MB' },
  });
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as AskJson;
}

const results = (): string => join(cache, 'results');
const cachedOf = ({ images }: AskJson): boolean[] => images.map(({ cached }) => cached);

async function removeKept(kind: 'image' | 'prefix'): Promise<void> {
  for (const name of await readdir(results())) if (name.startsWith(kind)) await rm(join(results(), name));
}

test('a second question about a picture starts after it, and is answered as if it had not', async () => {
  const fresh = await ask(a, 'what is this?');
  await rm(results(), { recursive: true });
  const first = await ask(a, 'describe this');
  const second = await ask(a, 'what is this?');
  assert.deepEqual(cachedOf(first), [false]);
  assert.deepEqual(cachedOf(second), [true]);
  assert.equal(second.timings.encode_ms, 0);
  assert.equal(second.text, fresh.text);
  assert.deepEqual(second.usage, fresh.usage);
});

test('the same question again has the same answer, from the state and from the rows alone', async () => {
  const first = await ask(a, 'and', b, '--system', 'Be brief.');
  assert.deepEqual(cachedOf(first), [false, false]);
  const fromState = await ask(a, 'and', b, '--system', 'Be brief.');
  assert.deepEqual(cachedOf(fromState), [true, true]);
  assert.equal(fromState.text, first.text);
  await removeKept('prefix');
  const fromRows = await ask(a, 'and', b, '--system', 'Be brief.');
  assert.deepEqual(cachedOf(fromRows), [true, true]);
  assert.equal(fromRows.timings.encode_ms, 0);
  assert.equal(fromRows.text, first.text);
});

for (const type of ['f32', 'f16', 'q8_0', 'q4_k_m'] as const) {
  test(`a question about another picture starts after the system prompt, and is answered as if it had not: ${type}`, async (t) => {
    const typed = await convertedPair('mistral', type);
    t.after(() => typed.remove());
    const system = ['--system', 'Be brief, and name things from left to right.'];
    const words = [...system, '--logprobs', '2', '--model', typed.folder];
    const fresh = await ask(b, 'what is this?', ...words);
    await rm(results(), { recursive: true });
    await ask(a, 'describe this', ...words);
    const old = new Date(0);
    const paths = (await readdir(results())).map((name) => join(results(), name));
    for (const path of paths) await utimes(path, old, old);
    const inodes = new Map(await Promise.all(paths.map(async (path) => [path, (await stat(path)).ino] as const)));
    const second = await ask(b, 'what is this?', ...words);
    assert.deepEqual(cachedOf(second), [false]);
    assert.deepEqual([second.text, second.logprobs], [fresh.text, fresh.logprobs]);
    const used: string[] = [];
    for (const [path, inode] of inodes) {
      const { ino, mtime } = await stat(path);
      assert.equal(ino, inode, 'nothing is computed anew');
      if (mtime > old) used.push(path);
    }
    assert.equal(used.length, 1);
  });
}

test('a picture is known in another prompt, a new one beside it is looked at', async () => {
  const fresh = await ask(b, a, 'compare');
  await rm(results(), { recursive: true });
  await ask(a, 'describe this');
  const both = await ask(b, a, 'compare');
  assert.deepEqual(cachedOf(both), [false, true]);
  assert.equal(both.text, fresh.text);
});

test('another system prompt, cache type or model takes no state from before, another model no rows', async () => {
  await ask(a, 'describe this');
  await removeKept('image');
  assert.deepEqual(cachedOf(await ask(a, 'describe this', '--system', 'Be brief.')), [false]);
  await removeKept('image');
  assert.deepEqual(cachedOf(await ask(a, 'describe this', '--cache-type', 'q8_0')), [false]);
  assert.deepEqual(cachedOf(await ask(a, 'describe this', '--model', other.folder)), [false]);
});

test('what records leave that were in work together serves a question alone, and the other way round', async () => {
  const records = [a, b].map((image) => JSON.stringify({ images: [image], prompt: 'what is this?' })).join('\n');
  const flags = ['--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '12', '--reproducible'];
  const batch = async (): Promise<AskJson[]> => {
    const { stdout } = await cli(['batch', '--records', '-', '--model', pair.folder, ...flags, '--parallel', '2'], {
      stdin: Buffer.from(records),
      env: { PIXTRAL_CACHE: cache, PIXTRAL_CACHE_SIZE: '100MB' },
    });
    const lines = stdout.trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as AskJson);
  };
  const together = await batch();
  await removeKept('image');
  const alone = [await ask(a, 'what is this?'), await ask(b, 'what is this?')];
  assert.deepEqual(alone.flatMap(cachedOf), [true, true]);
  await rm(results(), { recursive: true });
  await ask(b, 'describe this');
  await removeKept('image');
  const again = await batch();
  assert.deepEqual(again.flatMap(cachedOf), [false, true]);
  const texts = (answers: AskJson[]): string[] => answers.map(({ text }) => text);
  assert.deepEqual(texts(alone), texts(together));
  assert.deepEqual(texts(again), texts(together));
});

test('with --no-cache nothing is used and nothing is kept', async () => {
  await ask(a, 'describe this', '--no-cache');
  await assert.rejects(readdir(results()), { code: 'ENOENT' });
  await ask(a, 'describe this');
  assert.deepEqual(cachedOf(await ask(a, 'describe this', '--no-cache')), [false]);
});

test('entries cut short are as good as none, and are gone afterwards', async () => {
  const first = await ask(a, 'describe this');
  for (const name of await readdir(results())) await truncate(join(results(), name), 1024);
  const second = await ask(a, 'describe this');
  assert.deepEqual(cachedOf(second), [false]);
  assert.equal(second.text, first.text);
  assert.deepEqual(cachedOf(await ask(a, 'describe this')), [true]);
});

test('cache lists, verifies, prunes and clears what questions left', async () => {
  await ask(a, 'describe this');
  const run = async (...words: string[]) => {
    const done = await cli(['cache', ...words, '--json'], {
      env: { PIXTRAL_CACHE: cache, PIXTRAL_CACHE_SIZE: '100MB' },
    });
    return { exitCode: done.exitCode, json: JSON.parse(done.stdout) as Record<string, unknown> };
  };
  const { entries, limit } = (await run('ls')).json as { entries: { kind: string }[]; limit: number };
  assert.deepEqual(entries.map(({ kind }) => kind).sort(), ['image', 'prefix', 'prefix']);
  assert.equal(limit, 100e6);
  assert.equal((await run('verify')).exitCode, 0);
  const [name] = await readdir(results());
  await truncate(join(results(), name!), 100);
  const verified = await run('verify');
  assert.equal(verified.exitCode, 1);
  assert.deepEqual((verified.json['damaged'] as { entries: number }).entries, 1);
  assert.deepEqual((await run('prune', '--max', '1MB')).json['removed'], { entries: 0, bytes: 0 });
  assert.equal(((await run('clear')).json['removed'] as { entries: number }).entries, 2);
  assert.deepEqual(await readdir(results()), []);
});
