import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readScenes } from '../demo/scenes.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';

const entry = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));

/** A process of its own: llama.cpp's log can be caught once a process. */
function pixtral(words: readonly string[], cache: string) {
  const env = { ...process.env, PIXTRAL_CACHE: cache };
  return spawnSync(process.execPath, ['--import', 'tsx', entry, ...words], { env, encoding: 'utf8' });
}

test('ask --model demo converts it into the cache once, answers, and says what it is on stderr', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'pixtral-cache-'));
  try {
    const { images, prompt, answer } = readScenes(scenePath('demo')).find((scene) => scene.images.length === 1)!;
    const words = ['ask', scenePath(`demo/${images[0]}`), '-p', prompt, '--model', 'demo', '--temperature', '0'];
    for (let run = 0; run < 2; run++) {
      const { status, stdout, stderr } = pixtral([...words, '--gpu', 'off'], cache);
      assert.equal(status, 0, stderr);
      assert.equal(stdout.trimEnd(), answer);
      assert.match(stderr, /^demo: a tiny demonstration model that knows only drawings .*\n$/);
      assert.equal((await readdir(join(cache, 'models'))).length, 1);
    }
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});

test('without a model, ask explains pull, the demo and convert', async () => {
  const { exitCode, stderr } = await cli(['ask', scenePath('a-80x48.png'), 'describe']);
  assert.equal(exitCode, 4);
  assert.match(stderr, /pixtral pull pixtral-12b.*--model demo.*pixtral convert/);
});

test('a demo model that was cut or changed in the cache is made anew', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'pixtral-cache-'));
  try {
    const words = ['ask', '-p', 'x', '--model', 'demo', '--gpu', 'off', '--temperature', '0', '--max-tokens', '4'];
    const first = pixtral(words, cache);
    assert.equal(first.status, 0, first.stderr);
    const [name] = await readdir(join(cache, 'models'));
    const model = join(cache, 'models', name!, 'model.gguf');
    const whole = await readFile(model);
    const changed = Buffer.from(whole);
    changed[whole.length - 1]! ^= 1;
    for (const damaged of [whole.subarray(0, -100), changed, whole.subarray(0, 0)]) {
      await writeFile(model, damaged);
      const { status, stderr, stdout } = pixtral(words, cache);
      assert.equal(status, 0, stderr);
      assert.equal(stdout, first.stdout);
      assert.ok(whole.equals(await readFile(model)));
      assert.deepEqual(await readdir(join(cache, 'models')), [name]);
    }
    const made = await stat(model);
    await utimes(model, 0, 0); // as a copy of the folder has other times
    assert.equal(pixtral(words, cache).status, 0);
    assert.equal((await stat(model)).ino, made.ino);
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});
