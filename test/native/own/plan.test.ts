import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { planBuild } from '../../../src/native/own/plan.ts';
import type { BuildTarget } from '../../../src/native/own/record.ts';
import { shareIn } from '../../../src/native/own/steps.ts';
import { findToolchain } from '../../../src/native/own/toolchain.ts';

const all: Record<string, string> = {
  git: 'git version 2.39.5',
  cmake: 'cmake version 3.25.1',
  make: 'GNU Make 4.3',
  'c++': 'c++ (Debian 12.2.0-14) 12.2.0',
  cc: 'cc (Debian 12.2.0-14) 12.2.0',
};
const find = (
  target: BuildTarget,
  programs: Record<string, string>,
  { env = {}, platform = 'linux' }: { env?: Record<string, string>; platform?: NodeJS.Platform } = {},
) => findToolchain(target, { env, platform, ask: async (program) => programs[program] });

test('the tools of a common Linux are found, ninja before make', async () => {
  const found = await find('cpu', all);
  assert.deepEqual(found.compilers, { c: 'cc', cxx: 'c++' });
  assert.equal(found.compiler, 'c++ (Debian 12.2.0-14) 12.2.0');
  assert.equal(found.generator, 'Unix Makefiles');
  assert.equal((await find('cpu', { ...all, ninja: '1.11.1' })).generator, 'Ninja');
});

test('all that is missing is named at once, with what installs it', async () => {
  await assert.rejects(find('cpu', {}), {
    code: 'machine',
    message: 'build: git, cmake, a C++ compiler, make or ninja: not found, needed to compile',
    hint: /sudo apt install git cmake g\+\+ make/,
  });
  await assert.rejects(find('cpu', { ...all, 'c++': undefined! }), /build: a C\+\+ compiler: not found/);
});

test("a GPU's kit is asked for only for that GPU, and is part of what the build is known by", async () => {
  await assert.rejects(find('cuda', all), /build: nvcc \(NVIDIA's CUDA toolkit\): not found/);
  await assert.rejects(find('vulkan', all), /build: glslc \(the Vulkan SDK/);
  const { compiler } = await find('cuda', { ...all, nvcc: 'Cuda compilation tools, release 12.4' });
  assert.match(compiler, /12\.2\.0, Cuda compilation tools, release 12\.4/);
});

test('CC and CXX choose a compiler, and none other is taken in its place', async () => {
  const clang = { ...all, clang: 'clang 14', 'clang++': 'clang++ 14' };
  assert.deepEqual((await find('cpu', clang, { env: { CC: 'clang', CXX: 'clang++' } })).compilers, {
    c: 'clang',
    cxx: 'clang++',
  });
  assert.deepEqual((await find('cpu', clang, { env: { CXX: 'clang++' } })).compilers, { c: 'clang', cxx: 'clang++' });
  await assert.rejects(find('cpu', clang, { env: { CXX: 'g++-99' } }), /a C\+\+ compiler/);
});

test('on Windows the compiler is left to CMake', async () => {
  const found = await find('cpu', { git: all['git']!, cmake: all['cmake']! }, { platform: 'win32' });
  assert.deepEqual([found.compilers, found.generator], [undefined, undefined]);
  assert.equal(found.compiler, "CMake's choice with cmake version 3.25.1");
});

const options = { target: 'cpu', work: '/w', bundle: '/b/x.bundle', variant: 'sapphirerapids', jobs: 3 } as const;

test('only the variant that runs here is compiled, from a folder of its own', async () => {
  const { steps, made, files } = planBuild(options, await find('cpu', all));
  const [clone, checkout, configure, compile] = steps.map((step) => step.arguments);
  assert.deepEqual(clone, ['clone', '--quiet', '--no-checkout', '/b/x.bundle', join('/w', 'source')]);
  assert.deepEqual(checkout!.slice(-2), ['--', 'ggml']);
  for (const flag of [
    '-DGGML_BACKEND_DL=ON',
    '-DGGML_OPENMP=OFF',
    '-DGGML_LLAMAFILE=ON',
    '-DGGML_CPU_ALL_VARIANTS=ON',
  ]) {
    assert.ok(configure!.includes(flag), flag);
  }
  assert.deepEqual(compile!.slice(-3), ['3', '--target', 'ggml-cpu-sapphirerapids']);
  assert.deepEqual(Object.keys(files), [join('/w', 'own', 'CMakeLists.txt'), join('/w', 'own', 'tile-config.h')]);
  assert.match('libggml-cpu-sapphirerapids.so', made.names);
  for (const other of ['libggml-base.so', 'libggml-cpu-x64.so', 'libggml-cpu-sapphirerapids.so.1']) {
    assert.doesNotMatch(other, made.names);
  }
});

test('a runtime without variants gets one for this very processor', async () => {
  const { steps } = planBuild({ ...options, variant: '' }, await find('cpu', all));
  assert.ok(steps[2]!.arguments.includes('-DGGML_NATIVE=ON'));
  assert.equal(steps[3]!.arguments.at(-1), 'ggml-cpu');
});

test("CUDA is compiled for the cards that are there, beside the CPU's arithmetic", async () => {
  const { steps, made } = planBuild(
    { ...options, target: 'cuda' },
    await find('cuda', { ...all, nvcc: 'release 12.4' }),
  );
  assert.ok(steps[2]!.arguments.includes('-DCMAKE_CUDA_ARCHITECTURES=native'));
  assert.deepEqual(steps[3]!.arguments.slice(-2), ['ggml-cpu-sapphirerapids', 'ggml-cuda']);
  assert.match('libggml-cuda.so', made.names);
});

test('the shares of steps rise to the whole', async () => {
  const { steps } = planBuild(options, await find('cpu', all));
  const shares = steps.map(({ share }) => share);
  assert.deepEqual(
    shares,
    [...shares].sort((a, b) => a - b),
  );
  assert.equal(shares.at(-1), 1);
});

test("progress is read from make's and ninja's lines", () => {
  assert.equal(shareIn('[ 42%] Building CXX object a.o\n'), 0.42);
  assert.equal(shareIn('[3/20] Building\n[5/20] Building\n'), 0.25);
  assert.equal(shareIn('Scanning dependencies\n'), undefined);
  assert.equal(shareIn('[7/0] x'), 1);
});
