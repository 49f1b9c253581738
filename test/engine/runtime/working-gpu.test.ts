import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { diagnose } from '../../../src/engine/runtime/doctor.ts';
import { type Backends, openWorking } from '../../../src/engine/runtime/working-gpu.ts';
import type { GpuBackend, GpuChoice, GpuKind } from '../../../src/native/builds.ts';
import type { Native } from '../../../src/native/native.ts';
import { openNative } from '../../../src/native/open-native.ts';
import { tryBackend } from '../../../src/native/trial.ts';
import { diagnosisText } from '../../../src/output/diagnosis.ts';

let native: Native;
let folder: string;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
  folder = await mkdtemp(join(tmpdir(), 'pixtral-verdicts-'));
});
after(async () => {
  await native.close();
  await rm(folder, { recursive: true, force: true });
});

type Ways = Partial<Record<GpuBackend, string>>;

/** A machine whose backends fare in their trials as `ways` says (helpers/bad-trial.mjs); what is opened is the CPU. */
function machineOf(ways: Ways) {
  const log: string[] = [];
  const entry = new URL('../../helpers/bad-trial.mjs', import.meta.url);
  const machine: Backends = {
    candidates: async () => Object.keys(ways) as GpuBackend[],
    try(gpu, signal) {
      const way = ways[gpu]!;
      log.push(`try ${gpu}`);
      return tryBackend(way as GpuKind, { entry, milliseconds: way === 'hang' ? 1000 : 60_000, signal });
    },
    async open({ gpu }) {
      log.push(`open ${gpu}`);
      return { ...native, gpu: gpu === 'off' ? 'cpu' : gpu, close: async () => void log.push('close') };
    },
  };
  return { machine, log };
}

let places = 0;
const freshFolder = (): string => join(folder, String(places++));

async function opened(gpu: GpuChoice, ways: Ways, verdictFolder: string | undefined = freshFolder()) {
  const { machine, log } = machineOf(ways);
  const notices: string[] = [];
  const onNotice = (line: string): void => void notices.push(line);
  const { gpu: kind } = await openWorking(
    { gpu, verdictFolder, onNotice, signal: undefined, onLog: () => {} },
    machine,
  );
  return { kind, log, notices };
}

const ptx = 'its trial ended with SIGABRT: CUDA error: the provided PTX was compiled with an unsupported toolchain.';
const newer = 'an NVIDIA driver for CUDA 13.1 or newer may help, --gpu vulkan or --gpu off does without';

test('auto takes the first backend that works and tries no other', async () => {
  assert.deepEqual(await opened('auto', { cuda: 'works', vulkan: 'works' }), {
    kind: 'cuda',
    log: ['try cuda', 'open cuda'],
    notices: [],
  });
});

test('auto passes over a backend whose trial aborts, with one line that says why and what helps', async () => {
  assert.deepEqual(await opened('auto', { cuda: 'abort', vulkan: 'works' }), {
    kind: 'vulkan',
    log: ['try cuda', 'try vulkan', 'open vulkan'],
    notices: [`--gpu cuda: ${ptx}; ${newer}; going on with vulkan`],
  });
});

test('auto ends at the CPU when every backend hangs or is wrong', async () => {
  const { kind, log, notices } = await opened('auto', { cuda: 'hang', vulkan: 'wrong' });
  assert.deepEqual([kind, log], ['cpu', ['try cuda', 'try vulkan', 'open off']]);
  assert.match(
    notices.join('\n'),
    /^--gpu cuda: its trial has not ended after 1 seconds; .*; going on with cpu\n--gpu vulkan: GPU0 \(a card\) computes wrongly: .*; going on with cpu$/,
  );
});

test('metal that fails leads to the CPU', async () => {
  const { kind, notices } = await opened('auto', { metal: 'abort' });
  assert.deepEqual([kind, notices.length], ['cpu', 1]);
});

test('a machine without a GPU starts no trial, and a backend without a device is nothing to talk about', async () => {
  assert.deepEqual(await opened('auto', {}), { kind: 'cpu', log: ['open off'], notices: [] });
  assert.deepEqual(await opened('off', { cuda: 'works' }), { kind: 'cpu', log: ['open off'], notices: [] });
  assert.deepEqual(await opened('auto', { vulkan: 'empty' }), {
    kind: 'cpu',
    log: ['try vulkan', 'open off'],
    notices: [],
  });
});

test('a backend that was asked for by name is refused with finding and remedy, nothing else is opened', async () => {
  await assert.rejects(opened('cuda', { cuda: 'abort', vulkan: 'works' }), {
    code: 'machine',
    message: `--gpu cuda: ${ptx}`,
    hint: newer,
  });
  await assert.rejects(opened('vulkan', { vulkan: 'empty' }), {
    code: 'machine',
    message: 'llama.cpp: finds no device for --gpu vulkan',
    hint: 'try --gpu auto or --gpu off; pixtral doctor shows the devices',
  });
});

test('a trial is kept for later processes, and said again', async () => {
  const place = freshFolder();
  const ways = { cuda: 'abort', vulkan: 'works' };
  const first = await opened('auto', ways, place);
  const second = await opened('auto', ways, place);
  assert.deepEqual(second, { ...first, log: ['open vulkan'] });
  assert.deepEqual((await opened('vulkan', ways, place)).log, ['open vulkan']);
});

test(
  'a trial that something else has killed says nothing about the next one',
  { skip: process.platform === 'win32' },
  async () => {
    const place = freshFolder();
    const { kind, notices } = await opened('auto', { vulkan: 'killed' }, place);
    assert.equal(kind, 'cpu');
    assert.match(notices.join('\n'), /^--gpu vulkan: its trial ended with SIGKILL;/);
    assert.deepEqual((await opened('auto', { vulkan: 'works' }, place)).log, ['try vulkan', 'open vulkan']);
  },
);

test('without a folder every process tries anew', async () => {
  const { machine, log } = machineOf({ cuda: 'works' });
  const options = { gpu: 'auto', verdictFolder: undefined, onNotice: () => {}, signal: undefined } as const;
  for (let run = 0; run < 2; run++) await openWorking({ ...options, onLog: () => {} }, machine);
  assert.deepEqual(log, ['try cuda', 'open cuda', 'try cuda', 'open cuda']);
});

test('whoever asks for a backend that has failed has it tried again, which auto then knows', async () => {
  const place = freshFolder();
  await opened('auto', { cuda: 'abort' }, place);
  assert.deepEqual((await opened('cuda', { cuda: 'works' }, place)).log, ['try cuda', 'open cuda']);
  assert.deepEqual((await opened('auto', { cuda: 'works' }, place)).log, ['open cuda']);
});

test('a verdict on other devices is none on these', async () => {
  const place = freshFolder();
  await opened('auto', { cuda: 'another' }, place);
  assert.deepEqual(await opened('auto', { cuda: 'works' }, place), {
    kind: 'cuda',
    log: ['open cuda', 'try cuda'],
    notices: [],
  });
  const again = freshFolder();
  await opened('auto', { cuda: 'another' }, again);
  const { kind, log, notices } = await opened('auto', { cuda: 'abort' }, again);
  assert.deepEqual([kind, log], ['cpu', ['open cuda', 'try cuda', 'close', 'open off']]);
  assert.equal(notices.length, 1);
});

test('an abort while a trial hangs is no verdict', async () => {
  const place = freshFolder();
  const { machine } = machineOf({ cuda: 'hang' });
  const controller = new AbortController();
  setTimeout(() => controller.abort(2), 100);
  const options = { gpu: 'auto', verdictFolder: place, onNotice: () => {}, signal: controller.signal } as const;
  await assert.rejects(openWorking({ ...options, onLog: () => {} }, machine), (reason) => reason === 2);
  assert.deepEqual((await opened('auto', { cuda: 'works' }, place)).log, ['try cuda', 'open cuda']);
});

async function diagnosed(gpu: GpuChoice, ways: Ways, verdictFolder = freshFolder()) {
  const { machine, log } = machineOf(ways);
  const { signal } = new AbortController();
  const shape = { paths: undefined, contextSize: 1024, cacheType: 'f16', batchSize: 512 };
  return { log, diagnosis: await diagnose({ gpu, verdictFolder, signal, ...shape }, machine) };
}

test('doctor tries every backend whatever is known of it, reports each, and a failing one is a problem', async () => {
  const place = freshFolder();
  await opened('auto', { cuda: 'works' }, place);
  const { log, diagnosis } = await diagnosed('auto', { cuda: 'abort', vulkan: 'works' }, place);
  assert.deepEqual(log, ['try cuda', 'try vulkan', 'open vulkan', 'close']);
  assert.deepEqual(diagnosis.backends, [
    { gpu: 'cuda', verdict: 'fails', finding: ptx },
    { gpu: 'vulkan', verdict: 'works', devices: [] },
  ]);
  assert.deepEqual(diagnosis.problems, [`--gpu cuda: ${ptx}; ${newer}`]);
  assert.match(
    diagnosisText(diagnosis),
    /^GPU trial +cuda: its trial ended with SIGABRT.*\nGPU trial +vulkan: computes rightly on/m,
  );
  assert.deepEqual((await opened('auto', { cuda: 'works', vulkan: 'works' }, place)).log, ['open vulkan']);
});

test('doctor takes a missing device for a problem only when it was asked for', async () => {
  assert.deepEqual((await diagnosed('auto', { vulkan: 'empty' })).diagnosis.problems, []);
  assert.deepEqual((await diagnosed('vulkan', { vulkan: 'empty' })).diagnosis.problems, [
    'llama.cpp: finds no device for --gpu vulkan',
  ]);
  assert.deepEqual((await diagnosed('off', { vulkan: 'empty' })).log, ['open off', 'close']);
});
