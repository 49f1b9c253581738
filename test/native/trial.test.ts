import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mainDevice } from '../../src/native/devices.ts';
import type { GpuKind } from '../../src/native/builds.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { trialError } from '../../src/native/trial-graph.ts';
import { type Verdict, trialOptions, tryBackend } from '../../src/native/trial.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

const badEntry = new URL('../helpers/bad-trial.mjs', import.meta.url);
const standIn = (how: string, signal?: AbortSignal): Promise<Verdict> =>
  tryBackend(how as GpuKind, { entry: badEntry, milliseconds: how === 'hang' ? 1000 : 60_000, signal });

test('the trial itself, in a process of its own, finds the CPU working', async () => {
  const [name, description] = [mainDevice(native).name, mainDevice(native).description];
  assert.deepEqual(await tryBackend('cpu', { ...trialOptions, signal: undefined }), {
    verdict: 'works',
    devices: [`${name} (${description})`],
  });
});

/** ggml with another function at every other call: of the two runs that are compared, the first has it. */
function besides(name: 'deviceSupportsOp' | 'swigluSplit', other: (...values: never[]) => unknown): Native {
  let calls = 0;
  const own = native.ggml[name] as (...values: never[]) => unknown;
  const mixed = (...values: never[]): unknown => (calls++ % 2 === 0 ? other : own)(...values);
  return { ...native, ggml: { ...native.ggml, [name]: mixed } };
}

test('without a fused attention the trial comes to the same, up to rounding to 8 bits', async () => {
  const error = await trialError(
    besides('deviceSupportsOp', () => false),
    mainDevice(native),
  );
  assert.ok(error > 0 && error < 0.01, String(error));
});

test('a kernel that computes something else is far beyond rounding', async () => {
  const product = (g: bigint, gate: bigint, up: bigint): bigint => native.ggml.mul(g, gate, up);
  const error = await trialError(besides('swigluSplit', product), mainDevice(native));
  assert.ok(error > 0.2, String(error));
});

const ends = {
  abort: `its trial ended with SIGABRT: CUDA error: the provided PTX was compiled with an unsupported toolchain.`,
  late: 'its trial ended with SIGABRT',
  quiet: 'its trial ended with exit code 0',
  hang: 'its trial has not ended after 1 seconds',
  wrong: 'GPU0 (a card) computes wrongly: differs from the CPU by 0.9, expected 0.05 at most',
};
for (const [how, finding] of Object.entries(ends)) {
  test(`a trial that ends so fails: ${how}`, async () => {
    assert.deepEqual(await standIn(how), { verdict: 'fails', finding });
  });
}

test('a trial that cannot be started fails', async () => {
  const nowhere = { entry: new URL('none.mjs', badEntry), milliseconds: 60_000, signal: undefined };
  assert.deepEqual((await tryBackend('cuda', nowhere)).verdict, 'fails');
});

test('an abort ends a trial at once, with its own reason', async () => {
  const controller = new AbortController();
  const trying = standIn('hang', controller.signal);
  setTimeout(() => controller.abort(2), 100);
  await assert.rejects(trying, (reason) => reason === 2);
  await assert.rejects(standIn('works', controller.signal), (reason) => reason === 2);
});
