import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scenePath } from '../helpers/checkpoints.ts';
import { loadedModules } from '../helpers/loaded-modules.ts';
import { sharedServer } from '../helpers/server.ts';

const { cache } = await sharedServer();
const env = { PIXTRAL_CACHE: cache, PIXTRAL_RUNTIME: join(cache, 'runtime'), PIXTRAL_MODELS: join(cache, 'models') };
const ask = [
  'ask',
  scenePath('demo/0022a.png'),
  'what do you see?',
  '--model',
  'demo',
  '--gpu',
  'off',
  '--threads',
  '1',
];

test('a question to a running server loads one package and a handful of files: no engine, decoder or tokenizer', async () => {
  const { exitCode, stderr, own, packages, builtins } = await loadedModules([...ask, '--verbose'], env);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /asking pixtral serve/);
  assert.deepEqual(packages, ['commander']);
  assert.ok(own.length <= 6, own.join('\n'));
  // Imported, it would bring all of undici with it in Node 22: findings/node-22-import-http.sh
  assert.ok(builtins.includes('node:crypto') && !builtins.includes('node:http'), builtins.join('\n'));
});

test('the version is told without any package', async () => {
  const { exitCode, own, packages } = await loadedModules(['--version'], env);
  assert.deepEqual({ exitCode, packages }, { exitCode: 0, packages: [] });
  assert.ok(own.length <= 2, own.join('\n'));
});

for (const words of [
  ['--help'],
  ['ask', '--help'],
  ['view', '--help'],
  ['batch', '--help'],
  ['serve', '--help'],
  ['models'],
]) {
  test(`nothing but the parser of the command line is loaded for: pixtral ${words.join(' ')}`, async () => {
    const { exitCode, packages } = await loadedModules(words, env);
    assert.deepEqual({ exitCode, packages }, { exitCode: 0, packages: ['commander'] });
  });
}

test('what a process begins with stands in its own file and is run by no other process', async () => {
  const dist = fileURLToPath(new URL('../../dist', import.meta.url));
  const files = (await readdir(dist, { recursive: true })).filter((path) => path.endsWith('.js'));
  const entries = files.filter((path) => !path.startsWith('chunks'));
  assert.ok(entries.length >= 5);
  const texts = new Map(
    await Promise.all(files.map(async (path) => [path, await readFile(join(dist, path), 'utf8')] as const)),
  );
  for (const entry of entries) {
    const work = texts
      .get(entry)!
      .replaceAll(/^(import|export) .*$|^\/\/.*$/gm, '')
      .trim();
    assert.notEqual(work, '', `${entry}: its work stands elsewhere`);
    for (const [path, text] of texts) assert.doesNotMatch(text, new RegExp(`from ".*/${basename(entry)}"`), path);
  }
});
