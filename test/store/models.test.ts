import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { modelsFolder } from '../../src/base/models-folder.ts';
import { defaultModel, installedModels, isModelName, storedModel } from '../../src/store/models.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
let store: string;

before(async () => {
  pair = await convertedPair('mistral', 'q8_0');
});
after(() => pair.remove());
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'pixtral-models-'));
});

const record = (source: string) => ({
  version: 1,
  source,
  revision: 'c'.repeat(40),
  type: 'q8_0',
  mmprojType: 'f16',
  original: [{ name: 'params.json', bytes: 436, sha256: 'a'.repeat(64) }],
  pulled: '2026-11-27T10:00:00.000Z',
  pulledBy: 'pixtral test',
});

async function install(name: string): Promise<string> {
  const folder = join(store, name);
  await cp(pair.folder, folder, { recursive: true });
  await writeFile(join(folder, 'pixtral.json'), JSON.stringify(record(`owner/${name}`)));
  return folder;
}
const pixtral = (...argv: string[]) => cli(argv, { env: { PIXTRAL_MODELS: store, PIXTRAL_CACHE_SIZE: '0' } });

test('a pair counts as installed only when it is whole and says where it came from', async () => {
  await install('one');
  await rm(join(await install('no-record'), 'pixtral.json'));
  await rm(join(await install('no-projector'), 'mmproj.gguf'));
  await mkdir(join(store, '.pull'));
  await writeFile(join(store, 'a-file'), '');
  assert.deepEqual(
    (await installedModels(store)).map(({ name }) => name),
    ['one'],
  );
  assert.deepEqual(await installedModels(join(store, 'nowhere')), []);
});

test('verify tells a pair that is as it was installed from one that is not, and from one without sums', async () => {
  const folder = await install('one');
  await install('old');
  const pair = ['model.gguf', 'mmproj.gguf'].map((name) => {
    const bytes = readFileSync(join(folder, name));
    return { name, bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  await writeFile(join(folder, 'pixtral.json'), JSON.stringify({ ...record('owner/one'), pair }));
  assert.match((await pixtral('models', 'show', 'one')).stdout, new RegExp(`model sha256 +${pair[0]!.sha256}`));
  const whole = await pixtral('models', 'verify', '--json');
  assert.equal(whole.exitCode, 0);
  assert.deepEqual(JSON.parse(whole.stdout).models, [
    { name: 'old', state: 'unknown', damaged: [] },
    { name: 'one', state: 'whole', damaged: [] },
  ]);
  const bytes = readFileSync(join(folder, 'mmproj.gguf'));
  bytes[bytes.byteLength - 50]! ^= 1;
  await writeFile(join(folder, 'mmproj.gguf'), bytes);
  const damaged = await pixtral('models', 'verify', 'one');
  assert.equal(damaged.exitCode, 4);
  assert.match(damaged.stdout, /one +damaged +mmproj\.gguf/);
  assert.match(damaged.stderr, /mmproj\.gguf: not what was installed/);
  assert.match(damaged.stderr, /pixtral pull 'owner\/one' --type q8_0 --name one --force/);
});

test('no name leads out of the store', () => {
  for (const name of ['..', '.', '.pull', '../x', 'a/b', 'a\\b', '', 'default', 'model.gguf', '-x']) {
    assert.equal(isModelName(name), false, name);
  }
  assert.ok(isModelName('pixtral-12b-2409-q4_k_m') && isModelName('模型'));
});

test('the only model is used when none is named; of two, the chosen one; a path wins over a name', async () => {
  assert.equal(await storedModel(store, undefined), undefined);
  const one = await install('one');
  assert.equal(await storedModel(store, undefined), one);
  assert.equal(await storedModel(store, 'one'), one);
  const two = await install('two');
  assert.equal(await storedModel(store, undefined), undefined);
  assert.deepEqual(await pixtral('models', 'default', 'two'), { exitCode: 0, stdout: 'two\n', stderr: '' });
  assert.equal(await storedModel(store, ''), two);
  assert.equal(await storedModel(store, 'src'), 'src'); // a folder here
  assert.equal(await storedModel(store, 'three'), 'three'); // whoever opens it says that it is missing
  await pixtral('models', 'rm', 'two');
  assert.equal((await defaultModel(store))?.name, 'one');
});

test('ask uses what is installed, by name and without one, and says the one line to type where nothing is', async () => {
  const ask = ['ask', '-p', 'x', '--max-tokens', '1', '--gpu', 'off', '--json'];
  const nothing = await pixtral(...ask);
  assert.equal(nothing.exitCode, 4);
  assert.match(nothing.stderr, /pixtral pull pixtral-12b/);
  await install('one');
  const usual = await pixtral(...ask);
  assert.deepEqual([usual.exitCode, usual.stderr], [0, '']);
  await install('two');
  assert.equal((await pixtral(...ask)).exitCode, 4);
  assert.equal((await pixtral(...ask, '--model', 'two')).exitCode, 0);
  const missing = await pixtral(...ask, '--model', 'three');
  assert.equal(missing.exitCode, 4);
  assert.match(missing.stderr, /three: no such file or folder.*pixtral models lists them/s);
});

test('models lists, shows, names folders and removes', async () => {
  const empty = await pixtral('models');
  assert.deepEqual(
    [empty.exitCode, empty.stdout],
    [0, `no models in ${store}; pixtral pull pixtral-12b installs one\n`],
  );
  const one = await install('one');
  assert.match((await pixtral('models')).stdout, /^ {2}NAME +TYPE.*\n\* one +q8_0 .* owner\/one +2026-11-27\n$/);
  assert.equal((await pixtral('models', 'ls', '-q')).stdout, 'one\n');
  assert.equal((await pixtral('models', 'path')).stdout, `${store}\n`);
  assert.equal((await pixtral('models', 'path', 'one')).stdout, `${one}\n`);
  const shown = JSON.parse((await pixtral('models', 'show', 'one', '--sum', '--json')).stdout);
  assert.equal(shown.revision, 'c'.repeat(40));
  assert.match(shown.sha256.model, /^[0-9a-f]{64}$/);
  assert.match((await pixtral('models', 'show')).stdout, /revision +c{40}\n[\s\S]*params\.json +436 B +a{64}\n$/);
  for (const action of ['show', 'rm', 'default', 'path']) {
    const missing = await pixtral('models', action, 'three');
    assert.deepEqual([missing.exitCode, missing.stdout], [4, '']);
    assert.match(missing.stderr, /three: no such model is installed, expected one of: one/);
  }
  assert.equal((await pixtral('models', 'rm')).exitCode, 2);
  assert.match((await pixtral('models', 'rm', 'one')).stdout, /^removed one, /);
  assert.deepEqual(await readdir(store), []);
});

test('models are kept where the platform keeps data', () => {
  assert.equal(modelsFolder({ XDG_DATA_HOME: '/data' }, 'linux'), '/data/pixtral/models');
  assert.match(modelsFolder({}, 'linux'), /\.local\/share\/pixtral\/models$/);
  assert.match(modelsFolder({}, 'darwin'), /Library\/Application Support\/pixtral\/models$/);
  assert.match(modelsFolder({ LOCALAPPDATA: 'C:/Local' }, 'win32'), /^C:\/Local\/pixtral\/models$/);
  assert.equal(modelsFolder({ PIXTRAL_MODELS: '/own' }, 'linux'), '/own');
});
