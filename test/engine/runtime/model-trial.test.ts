import assert from 'node:assert/strict';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readModelFiles } from '../../../src/engine/runtime/model-files.ts';
import { modelTrialOptions, requireSurvivor } from '../../../src/engine/runtime/model-trial.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';

let pair: ConvertedPair;
before(async () => {
  pair = await convertedPair('mistral', 'q8_0');
});
after(() => pair.remove());

const standIn = new URL('../../helpers/bad-model-trial.mjs', import.meta.url);

async function tried(name: string, entry: URL): Promise<void> {
  const mmproj = join(pair.folder, name);
  await copyFile(pair.mmproj, mmproj, 1).catch(() => undefined); // once: the fingerprint holds the time
  const files = await readModelFiles({ model: pair.model, mmproj });
  const folder = join(pair.folder, 'verdicts');
  const options = { ...modelTrialOptions, entry, folder, gpu: 'off', runtime: 'test', signal: undefined } as const;
  await requireSurvivor(files, options);
}

const runs = async (name: string): Promise<number> => (await readFile(join(pair.folder, `${name}.runs`))).byteLength;

test('a pair that ends its trial is a model error with the reason, now and without another trial', async () => {
  for (let count = 0; count < 2; count++) {
    await assert.rejects(tried('abort.gguf', standIn), {
      code: 'model',
      message: /model\.gguf: llama\.cpp ends when it is asked: its trial ended with SIGABRT: .*GGML_ASSERT/,
    });
  }
  assert.equal(await runs('abort.gguf'), 1);
});

test('a pair that lives is tried once; one that was killed from outside is judged by nobody', async () => {
  for (let count = 0; count < 3; count++) await tried('lives.gguf', standIn);
  assert.equal(await runs('lives.gguf'), 1);
  for (let count = 0; count < 2; count++) await tried('kill.gguf', standIn);
  assert.equal(await runs('kill.gguf'), 2);
});

test('a sound pair survives the real trial', async () => {
  await tried('sound.gguf', modelTrialOptions.entry);
});
