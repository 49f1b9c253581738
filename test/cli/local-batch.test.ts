import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { type CliRun, cli } from '../helpers/cli.ts';
import { type Running, seen, serverCache, startServer } from '../helpers/server.ts';

let cache: string;
let scratch: string;
let server: Running;
before(async () => {
  cache = await serverCache();
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-local-batch-'));
  server = await startServer(cache);
});
after(async () => {
  await server.stop(constants.signals.SIGINT);
  await rm(cache, { recursive: true, force: true });
  await rm(scratch, { recursive: true, force: true });
});

const model = ['--model', 'demo', '--gpu', 'off', '--threads', '1'];
const greedy = ['--temperature', '0', '--seed', '1'];
const served = /asking pixtral serve, process \d+/;
const here = ['--server', 'off'];

function run(words: readonly string[], options: { signal?: AbortSignal } = {}): Promise<CliRun> {
  return cli(words, { env: { PIXTRAL_CACHE: cache, PIXTRAL_RUNTIME: join(cache, 'runtime') }, ...options });
}
const batch = (words: readonly string[], options?: Parameters<typeof run>[1]): Promise<CliRun> =>
  run(['batch', ...model, ...greedy, '--verbose', ...words], options);

type Line = Record<string, unknown> & { id: string | number; text?: string; hash?: string };

/** What does not depend on who answers: times, and what was looked at before. */
const comparable = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { timings: _, reused: _reused, images = [], ...others } = JSON.parse(line) as Line & { images?: object[] };
      return { ...others, images: images.map((image) => ({ ...image, cached: undefined })) };
    });

async function records(name: string, lines: readonly unknown[]): Promise<string> {
  const file = join(scratch, name);
  await writeFile(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return file;
}
const picture = scenePath('demo/0022a.png');
const word = scenePath('demo/0007a.png');
const many = (count: number): object[] =>
  Array.from({ length: count }, (_, id) => {
    const images = [id % 2 === 0 ? picture : word];
    return { id, images, prompt: 'what do you see?', max_tokens: 40 };
  });

/** Calls, from then on every few milliseconds, once two answers are written. */
const whenBegun = (out: string, then: () => void): NodeJS.Timeout =>
  setInterval(() => {
    readFile(out, 'utf8').then(
      (text) => text.split('\n').length > 2 && then(),
      () => {},
    );
  }, 5);

test('answers, receipts, hashes, failures and the exit code are those of a batch that loads the model', async () => {
  const file = await records('kinds.jsonl', [
    { id: 'plain', images: [picture], prompt: 'what do you see?' },
    { id: 'two', images: [picture, word], prompt: 'what do you see?', system: 'Look.' },
    { id: 'missing', images: [join(scratch, 'none.png')], prompt: 'what?' },
    '{"id": "half',
    { id: 'form', images: [picture], prompt: 'how many shapes are there?', schema: { type: 'integer' } },
    { id: 'choice', images: [picture], prompt: 'how many shapes are there?', choices: ['3', '4'], logprobs: 2 },
    { id: 'cut', images: [picture], prompt: 'what?', schema: { type: 'string' }, max_tokens: 1 },
    { id: 'text', prompt: 'hello' },
  ]);
  const asked = await batch(['--records', file, '--reproducible']);
  const loaded = await batch(['--records', file, '--reproducible', ...here]);
  assert.match(asked.stderr, served);
  assert.doesNotMatch(loaded.stderr, served);
  assert.equal(asked.exitCode, 6);
  assert.equal(loaded.exitCode, 6);
  assert.deepEqual(comparable(asked.stdout), comparable(loaded.stdout));
});

test('what was begun without a server goes on with one, and the other way round', async () => {
  const file = await records('on.jsonl', many(4));
  for (const [first, then] of [
    [here, []],
    [[], here],
  ] as const) {
    const out = join(scratch, `on-${first.length}.jsonl`);
    assert.equal((await batch(['--records', file, '-o', out, '--limit', '2', ...first])).exitCode, 0);
    const run = await batch(['--records', file, '-o', out, ...then]);
    assert.match(run.stderr, /2 done, 0 failed, 2 skipped/);
    assert.equal(served.test(run.stderr), then.length === 0);
    const texts = comparable(await readFile(out, 'utf8')).map((line) => (line as Line).text);
    assert.deepEqual(
      texts,
      Array.from({ length: 4 }, (_, id) => seen[id % 2 === 0 ? '0022a.png' : '0007a.png']),
    );
  }
});

test('decide asks it too, a filter and what it needs included', async () => {
  const words = ['decide', ...model, picture, word, '-q', 'star=Is a star visible?', '-q', 'Is a word visible?'];
  const out = join(scratch, 'filtered.jsonl');
  for (const more of [
    [],
    ['--where', 'star<=1 && q2>=0'],
    ['--where', 'star>2 || q2>=0', '--values'],
    ['--where', 'q2<2', '-o', out],
  ]) {
    const asked = await run([...words, ...more, '--reproducible', '--verbose']);
    await rm(out, { force: true });
    const loaded = await run([...words, ...more, '--reproducible', '--verbose', ...here]);
    assert.match(asked.stderr, served);
    assert.equal(asked.exitCode, 0, asked.stderr);
    if (more.length === 0) assert.deepEqual(comparable(asked.stdout), comparable(loaded.stdout));
    else assert.deepEqual(asked.stdout, loaded.stdout);
  }
});

test('a signal ends a batch as it ends one that computes itself, and the server goes on', async () => {
  const file = await records('signal.jsonl', many(16));
  const out = join(scratch, 'signal.jsonl.out');
  const controller = new AbortController();
  const watch = whenBegun(out, () => controller.abort(constants.signals.SIGINT));
  const ended = await batch(['--records', file, '-o', out, '--parallel', '2'], { signal: controller.signal });
  clearInterval(watch);
  assert.equal(ended.exitCode, 128 + constants.signals.SIGINT, ended.stderr);
  const run = await batch(['--records', file, '-o', out]);
  assert.equal(run.exitCode, 0, run.stderr);
  const ids = (await readFile(out, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Line).id);
  assert.deepEqual(
    ids.toSorted((a, b) => Number(a) - Number(b)),
    many(16).map((_, id) => id),
  );
});

test('as many questions at once as the server takes are no leak of listeners', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  const file = await records('many.jsonl', many(16));
  const { exitCode, stderr } = await batch(['--records', file, '-o', join(scratch, 'many.jsonl.out')]);
  process.off('warning', note);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(warnings, []);
});

test('a server that ends in the middle costs nothing but time', async () => {
  const file = await records('ending.jsonl', many(12));
  const out = join(scratch, 'ending.jsonl.out');
  let ending: Promise<number> | undefined;
  const watch = whenBegun(out, () => void (ending ??= server.stop(constants.signals.SIGINT)));
  const { exitCode, stderr } = await batch(['--records', file, '-o', out, '--parallel', '2']);
  clearInterval(watch);
  await ending;
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, served);
  assert.match(stderr, /note: pixtral serve has ended: what it has not answered is answered here/);
  const lines = comparable(await readFile(out, 'utf8')) as Line[];
  assert.deepEqual(
    lines.map(({ id, text }) => [id, text]),
    many(12).map((_, id) => [id, seen[id % 2 === 0 ? '0022a.png' : '0007a.png']]),
  );
});
