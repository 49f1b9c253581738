import assert from 'node:assert/strict';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { type CliRun, cli } from '../helpers/cli.ts';
import { type Running, seen, serverCache, startServer } from '../helpers/server.ts';

let cache: string;
let runtime: string;
let server: Running;
before(async () => {
  cache = await serverCache();
  runtime = join(cache, 'runtime');
  server = await startServer(cache);
});
after(async () => {
  await server.stop(constants.signals.SIGINT);
  await rm(cache, { recursive: true, force: true });
});

const picture = scenePath('demo/0022a.png');
const ask = (...words: string[]): Promise<CliRun> =>
  cli(['ask', '--model', 'demo', '--gpu', 'off', '--threads', '1', '--temperature', '0', '--seed', '1', ...words], {
    env: { PIXTRAL_CACHE: cache, PIXTRAL_RUNTIME: runtime },
  });
const served = /asking pixtral serve, process \d+/;

/** What does not depend on who answers: times, and what was looked at before. */
function comparable(stdout: string): unknown {
  const { timings: _, images, ...answer } = JSON.parse(stdout) as { timings: object; images: { cached: boolean }[] };
  return { ...answer, images: images.map(({ cached: _seen, ...image }) => image) };
}

test('a running server of the same model answers, in words', async () => {
  const run = await ask(picture, 'what do you see?', '--verbose');
  assert.match(run.stderr, served);
  assert.deepEqual([run.exitCode, run.stdout], [0, `${seen['0022a.png']}\n`]);
});

for (const words of [
  [picture, 'what do you see?'],
  [picture, scenePath('demo/0007a.png'), 'what do you see?', '--detail', 'low'],
  [picture, 'what do you see?', '--detail', 'tiles', '--max-tokens', '20'],
  [picture, 'how many shapes are there?', '--choices', '3,4,5', '--logprobs', '2'],
  [picture, 'how many shapes are there? Answer in JSON.', '--schema', 'n: integer'],
  [picture, 'how many shapes are there?', '--schema', 'n: integer', '--tell-schema'],
  [picture, 'what do you see?', '--stop', 'cross', '--system', 'Look.'],
  ['-p', 'hello'],
]) {
  test(`the answer and its receipts are equal to local ones: ${words.slice(1).join(' ')}`, async () => {
    const remote = await ask(...words, '--json');
    const local = await ask(...words, '--json', '--server', 'off');
    assert.equal(remote.exitCode, 0, remote.stderr);
    assert.deepEqual(comparable(remote.stdout), comparable(local.stdout));
  });
}

test('what is wrong is said in the same words, with the same exit code', async () => {
  const broken = join(cache, 'broken.png');
  await writeFile(broken, 'no picture');
  for (const words of [
    [join(cache, 'missing.png'), 'what?'],
    [broken, 'what?'],
    [picture, 'what?', '--schema', 'n: integer', '--max-tokens', '1'],
    [`${picture}#7`, 'what?'],
  ]) {
    const remote = await ask(...words);
    const local = await ask(...words, '--server', 'off');
    assert.deepEqual(remote, local, words.join(' '));
    assert.equal(remote.exitCode, 3);
  }
});

test('a command that would compute otherwise is not answered by it', async () => {
  for (const words of [['--cache-type', 'q8_0'], ['--no-cache'], ['--server', 'off'], ['--context', '2048']]) {
    const run = await ask(picture, 'what do you see?', '--verbose', ...words);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.doesNotMatch(run.stderr, served, words.join(' '));
  }
});

test('a folder that others can write to is not believed, and no server opens a socket in it', async () => {
  await chmod(runtime, 0o755);
  try {
    const run = await ask(picture, 'what do you see?', '--verbose');
    assert.doesNotMatch(run.stderr, served);
    const other = await startServer(cache);
    assert.match(other.stderr(), /other commands will not find this server: .*others can get at it/);
    await other.stop(constants.signals.SIGINT);
  } finally {
    await chmod(runtime, 0o700);
  }
});

test('a second server leaves the first its place', async () => {
  const second = await startServer(cache, '--data', join(cache, 'other-data'));
  await second.stop(constants.signals.SIGINT);
  assert.match((await ask(picture, 'what do you see?', '--verbose')).stderr, served);
});

test('a server that has ended is gone, and what one that was killed has left is passed over', async () => {
  const key = (await readdir(runtime)).find((name) => name.endsWith('.json'));
  await server.stop(constants.signals.SIGTERM);
  assert.deepEqual(await readdir(runtime), []);
  const left = { version: '0', model: 'demo', pid: 1, at: join(runtime, key!.replace('.json', '.sock')) };
  await writeFile(join(runtime, key!), JSON.stringify(left));
  await writeFile(left.at, '');
  const run = await ask(picture, 'what do you see?', '--verbose');
  assert.equal(run.stdout, `${seen['0022a.png']}\n`);
  assert.doesNotMatch(run.stderr, served);
  server = await startServer(cache);
  assert.match((await ask(picture, 'what do you see?', '--verbose')).stderr, served);
});
