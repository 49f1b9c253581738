import assert from 'node:assert/strict';
import { chmod, cp, mkdtemp, readFile, readdir, rm, watch, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { entryUrl } from '../../../src/base/place.ts';
import { openNative } from '../../../src/native/open-native.ts';
import { makeBuild } from '../../../src/native/own/make-build.ts';
import { type OwnBuild, ownBuilds, recordPath, removeBuild } from '../../../src/native/own/record.ts';
import { unfitness, usableBuild } from '../../../src/native/own/usable.ts';
import { apart } from '../../../src/native/trial.ts';

/**
 * Stand-ins for git, cmake and compilers, so that the way to a build is walked within seconds: what "cmake --build"
 * makes is said by MADE. Scripts are not for Windows.
 */
const skip = process.platform === 'win32' && 'its tools are scripts';

let folder: string;
let prebuilt: string;
/** What the first test has made. */
let made: OwnBuild;
const saved = { ...process.env };
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral own-'));
  const native = await openNative({ gpu: 'off', prebuilt: true, onLog: () => {} });
  prebuilt = native.libraries.ggmlCpu!;
  await native.close();
  for (const [name, text] of Object.entries(tools)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  process.env['PATH'] = `${folder}${delimiter}${saved['PATH']}`;
  process.env['PIXTRAL_BUILDS'] = join(folder, 'builds');
  for (const name of ['CC', 'CXX']) delete process.env[name];
});
after(async () => {
  for (const name of ['PATH', 'PIXTRAL_BUILDS', 'MADE', 'CC', 'CXX'] as const) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
  await rm(folder, { recursive: true });
});
beforeEach(() => rm(join(folder, 'builds'), { recursive: true, force: true }));

const says = (what: string): string => `[ "$1" = --version ] && echo '${what} 1.0' && exit 0`;
const tools = {
  git: `${says('git')}; exit 0`,
  cc: says('cc'),
  'c++': says('c++'),
  ninja: says('ninja'),
  cmake: `${says('cmake')}
if [ "$1" = --build ]; then
  mkdir -p "$2/bin" && echo '[1/2] Building' && sh -c "$MADE" "$2/bin" && echo '[2/2] Linking'
fi`,
};

const make = (signal = new AbortController().signal, { force = false, seen = [] as string[] } = {}) =>
  makeBuild({
    target: 'cpu',
    folder: join(folder, 'builds'),
    jobs: 1,
    force,
    onProgress: ({ title, share }) => seen.push(`${title} ${share}`),
    signal,
  });
const copies = (): string => `cp '${prebuilt}' "$0"`;
/** The build that the first test made, again. */
const place = async (): Promise<OwnBuild> => {
  await cp(join(folder, 'made'), join(folder, 'builds'), { recursive: true });
  return made;
};
const left = async (): Promise<string[]> =>
  (await readdir(join(folder, 'builds')).catch(() => [])).filter((name) => name !== '.lock');

test('what is compiled is tried, put in place, loaded from then on and removed again', { skip }, async () => {
  process.env['MADE'] = copies();
  const seen: string[] = [];
  const { build, isOld } = await make(undefined, { seen });
  assert.equal(isOld, false);
  made = build;
  await cp(join(folder, 'builds'), join(folder, 'made'), { recursive: true });
  assert.deepEqual(await left(), [build.name]);
  assert.ok(seen.includes('compile 1') && seen.at(-1) === 'try it 1', seen.join());
  assert.equal(build.record.compiler, 'c++ 1.0');
  assert.ok(build.record.speed!.f16.before > 0 && build.record.speed!.q4_k.after > 0);

  const native = await openNative({ gpu: 'off', onLog: () => {} });
  assert.ok(native.libraries.ggmlCpu!.startsWith(build.folder), native.libraries.ggmlCpu);
  assert.ok(native.ownBuild!.startsWith(build.name));
  await native.close();

  assert.equal((await make()).isOld, true);
  assert.ok((await removeBuild(build)) > 500_000);
  assert.equal(await usableBuild('off'), undefined);
  assert.deepEqual(await left(), []);
});

test('a library that does not load is never put in place', { skip }, async () => {
  process.env['MADE'] = `echo broken > "$0/${basename(prebuilt)}"`;
  await assert.rejects(make(), { code: 'machine', message: /what was compiled is not used: it does not load/ });
  assert.deepEqual(await left(), []);
});

test('a compiler that fails is quoted, and what was there stays', { skip }, async () => {
  const build = await place();
  process.env['MADE'] = `echo "ops.cpp:3: error: no such instruction" >&2; exit 1`;
  await assert.rejects(make(undefined, { force: true }), {
    code: 'machine',
    message: 'build: cannot compile: cmake ended with exit code 1: ops.cpp:3: error: no such instruction',
  });
  assert.deepEqual(await left(), [build.name]);
  assert.equal((await usableBuild('off'))?.backends, build.folder);
});

test('an abort ends all that the compiler has started, and leaves nothing', { skip }, async () => {
  const mark = join(folder, 'child');
  process.env['MADE'] = `sleep 100 & echo $! > '${mark}.part' && mv '${mark}.part' '${mark}'; wait`;
  const controller = new AbortController();
  const making = make(controller.signal);
  making.catch(() => {});
  for await (const { filename } of watch(folder)) if (filename === 'child') break;
  const child = await readFile(mark, 'utf8');
  controller.abort(2);
  await assert.rejects(making, (reason) => reason === 2);
  assert.deepEqual(await left(), []);
  const state = await readFile(`/proc/${child.trim()}/stat`, 'utf8').catch(() => 'gone');
  assert.ok(state === 'gone' || / Z /.test(state), state);
});

test('a build is not used for another machine or installation, nor where others can write', { skip }, async () => {
  const build = await place();
  const path = recordPath(build.folder);
  const whole = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const changes: [Record<string, unknown>, RegExp][] = [
    [{ platform: 'win32-x64' }, /is for win32-x64/],
    [{ runtime: '3.0.0' }, /is for node-llama-cpp 3\.0\.0/],
    [{ machine: 'Another x64 0' }, /another processor/],
    [{ addonTrace: '1 2' }, /another installation/],
    [{ files: ['gone.so'] }, /ENOENT/],
  ];
  for (const [change, reason] of changes) {
    await writeFile(path, JSON.stringify({ ...whole, ...change }));
    const [changed] = await ownBuilds(join(folder, 'builds'));
    assert.match((await unfitness(changed!))!, reason);
    assert.equal(await usableBuild('off'), undefined);
  }
  await writeFile(path, JSON.stringify(whole));
  assert.equal(await unfitness(build), undefined);
  await chmod(join(build.folder, build.record.files[0]!), 0o777);
  assert.match((await unfitness(build))!, /can be written by others/);
});

test('a damaged record or a strange folder is no build', { skip }, async () => {
  const build = await place();
  const path = recordPath(build.folder);
  const whole = await readFile(path, 'utf8');
  await cp(build.folder, join(folder, 'builds', 'cpu-elsewhere'), { recursive: true });
  await cp(build.folder, join(folder, 'builds', `cuda-${build.name.slice(4)}`), { recursive: true });
  assert.equal((await ownBuilds(join(folder, 'builds'))).length, 1);
  for (const text of [
    '',
    'null',
    '[]',
    whole.slice(0, -20),
    whole.replace('"version": 1', '"version": 2'),
    whole.replace('lib', '../lib'),
  ]) {
    await writeFile(path, text);
    assert.deepEqual(await ownBuilds(join(folder, 'builds')), [], text);
  }
});

test('a build that no longer loads gives way to the prebuilt library', { skip }, async () => {
  const build = await place();
  await writeFile(join(build.folder, build.record.files[0]!), 'broken');
  // In a process of its own: this one has the library mapped since the first test.
  const entry = entryUrl('native/own/products-entry');
  const options = { entry, milliseconds: 120_000, signal: undefined, builds: join(folder, 'builds') };
  assert.deepEqual(await apart('own', options), { told: 'unloadable' });
});
