import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import { type CliRun, cli } from '../helpers/cli.ts';
import { type StandInHub, filesOf, startHub } from '../helpers/stand-in-hub.ts';

let hub: StandInHub;
let root: string;

before(async () => {
  hub = await startHub({
    'tiny/Mistral-Tiny': { files: filesOf(checkpointFolder('mistral')) },
    'tiny/Gated': { files: filesOf(checkpointFolder('mistral')), token: 'hf_right' },
  });
});
after(() => hub.close());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-pull-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const pixtral = (argv: readonly string[], env: Record<string, string> = {}): Promise<CliRun> =>
  cli(argv, {
    env: {
      PIXTRAL_MODELS: join(root, 'models'),
      HF_HOME: join(root, 'hf'),
      HF_ENDPOINT: hub.endpoint,
      PIXTRAL_CACHE_SIZE: '0',
      ...env,
    },
  });

test('from nothing to an answer: pull, then ask without naming a model', async () => {
  const pulled = await pixtral(['pull', 'tiny/Mistral-Tiny', '--type', 'q8_0']);
  assert.deepEqual(pulled, { exitCode: 0, stdout: 'mistral-tiny-q8_0\n', stderr: '' });
  assert.match((await pixtral(['models'])).stdout, /\* mistral-tiny-q8_0 +q8_0 .* tiny\/Mistral-Tiny/);
  const asked = await pixtral(['ask', '-p', 'x', '--max-tokens', '1', '--gpu', 'off', '--json']);
  assert.equal(asked.exitCode, 0, asked.stderr);
});

test('without --type the best one for the memory is taken, and why is said', async () => {
  const { exitCode, stdout, stderr } = await pixtral(['pull', 'tiny/Mistral-Tiny']);
  assert.deepEqual([exitCode, stdout], [0, 'mistral-tiny-q8_0\n']);
  assert.match(stderr, /^note: q8_0, \d+\.\d kB: the best type that fits into this machine's memory of \d+\.\d GB/);
});

test('--json is one line on stdout and JSON lines on stderr', async () => {
  const { exitCode, stdout, stderr } = await pixtral(['pull', 'tiny/Mistral-Tiny', '--json', '--name', 'own']);
  assert.equal(exitCode, 0);
  const { version, name, from, fetched_bytes: fetched } = JSON.parse(stdout);
  assert.deepEqual([version, name, from], [1, 'own', 'network']);
  assert.ok(fetched > 1_000_000);
  for (const line of stderr.trim().split('\n')) assert.equal(JSON.parse(line).version, 1);
});

test('a gate is an error of the model, with what to do; no token is ever printed', async () => {
  const without = await pixtral(['pull', 'tiny/Gated']);
  assert.deepEqual([without.exitCode, without.stdout], [4, '']);
  assert.match(without.stderr, /is gated and no token was found \(401\)\nhint: open .*tiny\/Gated, sign in and click/);
  const tokenFile = join(root, 'token');
  await writeFile(tokenFile, 'hf_wrong\n');
  const wrong = await pixtral(['pull', 'tiny/Gated', '--token-file', tokenFile, '--verbose']);
  assert.equal(wrong.exitCode, 4);
  assert.match(wrong.stderr, /has no access yet \(403\)/);
  await writeFile(tokenFile, 'two words\n');
  const none = await pixtral(['pull', 'tiny/Gated', '--token-file', tokenFile]);
  assert.equal(none.exitCode, 2);
  assert.match(none.stderr, /holds no token/);
  assert.doesNotMatch(wrong.stderr + none.stderr, /hf_wrong|two words/);
  for (const env of [{ HF_TOKEN: 'hf_right' }, { HF_TOKEN_PATH: join(root, 'right') }]) {
    await writeFile(join(root, 'right'), 'hf_right');
    assert.equal((await pixtral(['pull', 'tiny/Gated', '--force', '--type', 'q8_0'], env)).exitCode, 0);
  }
});

test('convert finds a repository in the cache of the Hub', async () => {
  assert.equal((await pixtral(['pull', 'tiny/Mistral-Tiny', '--keep', '--type', 'q8_0'])).exitCode, 0);
  const requests = hub.requests.length;
  const out = join(root, 'out');
  assert.equal((await pixtral(['convert', 'tiny/Mistral-Tiny', '--out', out])).exitCode, 0);
  assert.equal(hub.requests.length, requests);
  assert.deepEqual(await readdir(out), ['mmproj.gguf', 'model.gguf']);
  const missing = await pixtral(['convert', 'tiny/None']);
  assert.equal(missing.exitCode, 4);
});

test('what seeding needs, and what is of no use without it, is said', async () => {
  const wrongs = [
    [['--seed'], /--seed: sends what is kept, expected --keep beside it/],
    [['--seed-ratio', '2'], /--seed-ratio: is of no use without --seed/],
    [['--keep', '--seed-port', '6881'], /--seed-port: is of no use without --seed/],
    [['--keep', '--seed', '--seed-ratio', '0'], /expected a number from 0.01/],
    [['--keep', '--seed'], /--seed: tiny\/Mistral-Tiny comes from the Hub, expected a torrent/],
  ] as const;
  for (const [flags, message] of wrongs) {
    const { exitCode, stdout, stderr } = await pixtral(['pull', 'tiny/Mistral-Tiny', ...flags]);
    assert.deepEqual([exitCode, stdout], [2, ''], flags.join(' '));
    assert.match(stderr, message);
  }
});

test('what names nothing is a wrong use', async () => {
  const { exitCode, stderr } = await pixtral(['pull', 'no-such-name']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /expected owner\/name, .*pixtral-12b/);
});
