import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Verdict } from '../../src/native/trial.ts';
import { openVerdicts } from '../../src/store/verdicts.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-verdicts-'));
});
after(() => rm(folder, { recursive: true, force: true }));

let places = 0;
function fresh() {
  const place = join(folder, String(places++), 'gpu');
  return { place, verdicts: openVerdicts({ folder: place, machine: 'driver 1' }) };
}
const onlyFile = async (place: string): Promise<string> => join(place, (await readdir(place))[0]!);

const works: Verdict = { verdict: 'works', devices: ['CUDA0 (a card)'] };
const fails: Verdict = { verdict: 'fails', finding: 'its trial ended with SIGABRT' };
const empty: Verdict = { verdict: 'no-device', finding: 'none' };
const unbuilt: Verdict = { verdict: 'no-build', finding: 'none' };

test('what was kept is found again, for the same backend of the same machine only', async () => {
  for (const verdict of [works, fails, empty, unbuilt]) {
    const { place, verdicts } = fresh();
    assert.equal(await verdicts.get('cuda'), undefined);
    await verdicts.put('cuda', verdict);
    assert.deepEqual(await openVerdicts({ folder: place, machine: 'driver 1' }).get('cuda'), verdict);
    assert.equal(await openVerdicts({ folder: place, machine: 'driver 2' }).get('cuda'), undefined);
    assert.equal(await verdicts.get('vulkan'), undefined);
    assert.equal((await readdir(place)).length, 1);
  }
});

test('the last verdict counts', async () => {
  const { verdicts } = fresh();
  for (const verdict of [fails, works]) await verdicts.put('cuda', verdict);
  assert.deepEqual(await verdicts.get('cuda'), works);
});

test('a file that is cut at any byte, or is something else, counts as absent', async () => {
  for (const verdict of [works, fails]) {
    const { place, verdicts } = fresh();
    await verdicts.put('cuda', verdict);
    const path = await onlyFile(place);
    const whole = await readFile(path, 'utf8');
    const cut = Array.from({ length: whole.length - 1 }, (_, length) => whole.slice(0, length));
    const others = ['null', '7', '[]', '{}', whole.replace('"version":1', '"version":2')];
    const wrong = [whole.replace(verdict.verdict, 'likely'), whole.replace(/"(devices|finding)":/, '"$1s":')];
    for (const text of [...cut, ...others, ...wrong]) {
      await writeFile(path, text);
      assert.equal(await verdicts.get('cuda'), undefined, text);
    }
    await verdicts.put('cuda', verdict);
    assert.deepEqual(await verdicts.get('cuda'), verdict);
  }
});

test('a failure counts for a day, what works for good', async () => {
  for (const [verdict, expected] of [
    [works, works],
    [fails, undefined],
  ] as const) {
    const { place, verdicts } = fresh();
    await verdicts.put('cuda', verdict);
    const path = await onlyFile(place);
    const yesterday = Date.now() - 25 * 60 * 60 * 1000;
    await writeFile(path, (await readFile(path, 'utf8')).replace(/"at":\d+/, `"at":${yesterday}`));
    assert.deepEqual(await verdicts.get('cuda'), expected);
  }
});

test('where nothing can be written nothing is kept, and nothing is thrown', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  const verdicts = openVerdicts({ folder: file, machine: 'driver 1' });
  await verdicts.put('cuda', works);
  assert.equal(await verdicts.get('cuda'), undefined);
});
