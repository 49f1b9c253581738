import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openAddon } from '../../src/native/addon.ts';
import type { Build } from '../../src/native/builds.ts';
import { keepBuild, knownBuild } from '../../src/native/known-build.ts';
import { openNative } from '../../src/native/open-native.ts';

let folder: string;
const previous = process.env['PIXTRAL_CACHE'];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-build-'));
  process.env['PIXTRAL_CACHE'] = folder;
});
after(async () => {
  if (previous === undefined) delete process.env['PIXTRAL_CACHE'];
  else process.env['PIXTRAL_CACHE'] = previous;
  await rm(folder, { recursive: true });
});
beforeEach(() => rm(join(folder, 'runtime'), { recursive: true, force: true }));

const build: Build = { gpu: 'cpu', addon: import.meta.filename, backends: import.meta.dirname };

test('a finding is known again, for its own choice only', async () => {
  assert.equal(await knownBuild('vulkan'), undefined);
  await keepBuild('vulkan', build);
  assert.deepEqual(await knownBuild('vulkan'), build);
  assert.equal(await knownBuild('off'), undefined);
});

test('it no longer holds when the file or a variable that drivers read is another', async () => {
  const addon = join(folder, 'llama-addon.node');
  await writeFile(addon, 'one');
  await keepBuild('vulkan', { ...build, addon });
  assert.ok(await knownBuild('vulkan'));
  process.env['CUDA_VISIBLE_DEVICES'] = 'none of them';
  assert.equal(await knownBuild('vulkan'), undefined);
  delete process.env['CUDA_VISIBLE_DEVICES'];
  await writeFile(addon, 'another');
  assert.equal(await knownBuild('vulkan'), undefined);
});

test('a damaged finding counts as none, and nothing is said where none can be kept', async () => {
  await keepBuild('vulkan', build);
  const [name] = await readdir(join(folder, 'runtime'));
  const path = join(folder, 'runtime', name!);
  const whole = await readFile(path, 'utf8');
  for (const text of ['', 'null', '{}', '[1]', whole.slice(0, -20), whole.replace('"circumstances"', '"c"')]) {
    await writeFile(path, text);
    assert.equal(await knownBuild('vulkan'), undefined, text);
  }
  await rm(join(folder, 'runtime'), { recursive: true });
  await writeFile(join(folder, 'runtime'), 'a file in the way');
  await keepBuild('vulkan', build);
  assert.equal(await knownBuild('vulkan'), undefined);
});

test('a known build is opened as the one that node-llama-cpp found, and a build on another device is refused', async () => {
  const found = await openNative({ gpu: 'off', anew: true, onLog: () => {} });
  const { version, gpu, mathCores, systemInfo, libraries } = found;
  await found.close();
  const known = await knownBuild('off');
  assert.equal(known?.gpu, 'cpu');
  const again = await openNative({ gpu: 'off', onLog: () => {} });
  assert.deepEqual(
    { version: again.version, gpu: again.gpu, mathCores: again.mathCores, systemInfo: again.systemInfo },
    { version, gpu, mathCores, systemInfo },
  );
  assert.deepEqual(again.libraries, libraries);
  await again.close();
  await assert.rejects(
    openAddon({ ...known, gpu: 'cuda' }, () => {}),
    /runs on cpu, expected cuda/,
  );
  const elsewhere = { ...known, addon: join(folder, 'llama-addon.node') };
  await assert.rejects(
    openAddon(elsewhere, () => {}),
    /not of this installation/,
  );
});

test('a build that is known but gone is found anew', async () => {
  await keepBuild('off', { ...build, addon: join(folder, 'gone.node') });
  const native = await openNative({ gpu: 'off', onLog: () => {} });
  assert.equal(native.gpu, 'cpu');
  await native.close();
  assert.match((await knownBuild('off'))!.addon, /llama-addon\.node$/);
});
