import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import type { DecodeRequest, DecodedPage } from '../../../src/image/decoder/decode.ts';
import { DecoderProcess } from '../../../src/image/decoder/decoder-process.ts';
import { loadPictures } from '../../../src/image/decoder/load.ts';
import { makePng } from '../../helpers/make-png.ts';
import { pixtralImage } from '../../helpers/pictures.ts';
import { imagePath } from '../../helpers/corpus.ts';

const entryOf = (path: string): URL => new URL(path, import.meta.url);
const bad = new DecoderProcess({
  entry: entryOf('../../helpers/bad-decoder.mjs'),
  limits: { milliseconds: 1000, maxBytes: 2 ** 30 },
});
after(() => bad.close());

const request = (name: string): DecodeRequest => ({
  name,
  bytes: new Uint8Array(8),
  image: pixtralImage,
  selection: undefined,
  crops: undefined,
  maxPages: 1,
});
const decode = (name: string, signal?: AbortSignal): Promise<DecodedPage[]> => bad.decode(request(name), signal);
/** The stand-in gives its process id as the width. */
const processId = async (): Promise<number> => (await decode('good'))[0]!.width;

const ends = {
  crash: /^crash: its decoder crashed/,
  hang: /^hang: is not decoded after 1 seconds/,
  greed: /^greed: takes more than 1 GiB of memory/,
};
for (const [name, says] of Object.entries(ends)) {
  test(`a decoder's ${name} is that picture's error, and the next picture gets a fresh process`, async () => {
    const before = await processId();
    const [broken, next] = await Promise.allSettled([decode(name), processId()]);
    assert.ok(broken.status === 'rejected' && next.status === 'fulfilled');
    assert.equal(broken.reason.code, 'input');
    assert.match(broken.reason.message, says);
    assert.notEqual(next.value, before);
  });
}

test('the time limit holds for a whole file, however often a page of it comes', async () => {
  await assert.rejects(decode('drip'), { code: 'input', message: 'drip: is not decoded after 1 seconds' });
});

test('a decoder that died while it was idle, or was killed, costs no picture', async () => {
  const idle = await processId();
  process.kill(idle, 'SIGKILL');
  await gone(idle);
  assert.notEqual(await processId(), idle);
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-test-'));
  try {
    const [page] = await decode(`killed@${join(folder, 'marker')}`);
    assert.notEqual(page!.width, idle);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('no picture is to blame for a decoder that ends before it begins', async () => {
  const entry = entryOf('../../helpers/decoder-that-never-begins.mjs');
  const unable = new DecoderProcess({ entry, limits: { milliseconds: 1000, maxBytes: 2 ** 30 } });
  await assert.rejects(unable.decode(request('good.png'), undefined), {
    code: 'machine',
    message: 'good.png: its decoder ends with exit code 1 before it begins',
  });
});

test('a bug in a decoder is no error of the user', async () => {
  await assert.rejects(decode('bug'), { name: 'Error', message: 'the decoder failed at bug' });
});

test('pictures are decoded by one process as long as none is broken', async () => {
  assert.equal(await processId(), await processId());
});

test('an abort ends a decoder at once, with its own reason', async () => {
  const controller = new AbortController();
  const decoding = decode('hang', controller.signal);
  const before = processId();
  controller.abort(15);
  await assert.rejects(decoding, (reason) => reason === 15);
  assert.ok((await before) > 0);
  await assert.rejects(decode('good', controller.signal), (reason) => reason === 15);
});

test('the real decoder is killed when it takes more memory than it may', async () => {
  const small = new DecoderProcess({
    entry: entryOf('../../../src/image/decoder/decoder-entry.ts'),
    limits: { milliseconds: 60_000, maxBytes: 2 ** 28 },
  });
  const size = { width: 10_000, height: 10_000, bits: 1 } as const; // 400 MB of pixels in 12 KB
  const bytes = makePng(size, deflateSync(Buffer.alloc(1251 * size.height)));
  await assert.rejects(small.decode({ ...request('bomb'), bytes }, undefined), {
    message: /^bomb: takes more than 0.25 GiB of memory/,
  });
  small.close();
});

test('a picture that is refused is followed by one that is not', async () => {
  const options = { image: pixtralImage, maxPages: 1 };
  const bytes = await readFile(imagePath('rgb.png'));
  await assert.rejects(loadPictures({ name: 'cut', bytes: bytes.subarray(0, 900) }, options), {
    code: 'input',
    message: 'cut: the PNG ends before its picture does',
    hint: /damaged/,
  });
  const [picture] = await loadPictures({ name: 'whole', bytes }, options);
  const { source, width, height, patches, grid } = picture!;
  assert.deepEqual(
    { source, width, height, length: patches.length },
    { source: 'whole', width: 37, height: 53, length: 48 * 64 * 3 },
  );
  assert.deepEqual([grid.columns, grid.rows], [3, 4]);
});

test('an idle decoder does not keep a program from ending', () => {
  const script = fileURLToPath(entryOf('../../helpers/load-one.ts'));
  const run = spawnSync(process.execPath, ['--import', 'tsx', script, imagePath('rgb.png')], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.deepEqual(
    { status: run.status, stdout: run.stdout, stderr: run.stderr },
    { status: 0, stdout: '37x53\n', stderr: '' },
  );
});

test(
  'a decoder whose parent is killed while it starts does not outlive it',
  { skip: process.platform !== 'linux', timeout: 60_000 },
  async () => {
    const pixtral = spawn(process.execPath, [
      '--import',
      'tsx',
      fileURLToPath(entryOf('../../helpers/load-one.ts')),
      imagePath('rgb.png'),
    ]);
    const started = await childOf(pixtral.pid!);
    pixtral.kill('SIGKILL');
    await once(pixtral, 'exit');
    await gone(started);
  },
);

/** Waits for a process to have one of its own. */
async function childOf(parent: number): Promise<number> {
  for (;;) {
    const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(parent)], { encoding: 'utf8' });
    const decoder = stdout.split('\n').find((line) => line.includes('decoder-entry'));
    if (decoder !== undefined) return Number.parseInt(decoder, 10);
    await setTimeout(20);
  }
}

async function gone(id: number): Promise<void> {
  for (;;) {
    try {
      process.kill(id, 0);
    } catch {
      return;
    }
    await setTimeout(20);
  }
}

test('a process that cannot be started is an error of its picture, and the next one may fare better', async () => {
  bad.close();
  const { execPath } = process;
  try {
    process.execPath = '/nowhere/node';
    await assert.rejects(decode('good'), { code: 'machine', message: /^good: its decoder cannot be started: spawn/ });
  } finally {
    process.execPath = execPath;
  }
  await processId();
});
