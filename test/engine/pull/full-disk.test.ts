import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { statfsSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { once } from 'node:events';
import { convertCheckpoint } from '../../../src/engine/convert.ts';
import type { PixtralError } from '../../../src/base/errors.ts';
import { binary } from '../../helpers/binary.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { plainOptions } from '../../helpers/converted.ts';
import { type PullTest, pullFine, readPair } from '../../helpers/pulls.ts';
import { type StandInHub, filesOf, startHub } from '../../helpers/stand-in-hub.ts';
import { type MadeTorrent, makeTorrent, startSeeder } from '../../helpers/torrents.ts';

const checkpoint = filesOf(checkpointFolder('mistral'));
let hub: StandInHub;
let base: string;
let expected: Buffer[];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'pixtral-full-'));
  const copy = join(base, 'Mistral-Tiny');
  await cp(checkpointFolder('mistral'), copy, { recursive: true });
  const options = { ...plainOptions('q8_0', join(base, 'whole')), mmprojType: 'f16' as const };
  expected = await readPair(await convertCheckpoint(copy, options));
  const [model = Buffer.alloc(0), mmproj = Buffer.alloc(0)] = expected;
  hub = await startHub({
    'tiny/Mistral-Tiny': { files: checkpoint },
    'tiny/Tiny-GGUF': { files: { 'Tiny-Q8_0.gguf': model, 'mmproj-Tiny-F16.gguf': mmproj } },
  });
});
afterEach(async () => {
  await hub.close();
  await rm(base, { recursive: true, force: true });
});

const pairBytes = (): number => expected.reduce((sum, { byteLength }) => sum + byteLength, 0);
const visible = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'));

/** A disk of its own for the length of a test; undefined where none may be mounted. */
async function smallDisk(bytes: number): Promise<{ root: string; free: () => void } | undefined> {
  const root = join(base, 'disk');
  await mkdir(root);
  try {
    execFileSync('sh', ['-c', `mount -t tmpfs -o size=${bytes} none "$0"`, root], { stdio: 'ignore' });
    return { root, free: () => execFileSync('sh', ['-c', 'umount "$0"', root]) };
  } catch {
    return undefined;
  }
}

/** As much of the disk as leaves so little that not even a piece fits. */
function fill(root: string): void {
  const { bavail, bsize } = statfsSync(root);
  writeFileSync(join(root, 'others'), Buffer.alloc(Math.max(0, bavail - 4) * bsize));
}

interface Case {
  what: (torrent: MadeTorrent, peer: string) => string;
  options: Partial<PullTest>;
  /** Of the disk, in pairs and originals. */
  bytes: () => number;
}

const originalBytes = Object.values(checkpoint).reduce((sum, { byteLength }) => sum + byteLength, 0);
const room = 400_000; // small files, states and samples
const cases: Record<string, Case> = {
  'a checkpoint of the Hub': { what: () => 'tiny/Mistral-Tiny', options: {}, bytes: () => pairBytes() + room },
  'a checkpoint that is kept': {
    what: () => 'tiny/Mistral-Tiny',
    options: { keeps: true },
    bytes: () => pairBytes() + originalBytes + room,
  },
  'a ready pair': { what: () => 'tiny/Tiny-GGUF', options: {}, bytes: () => pairBytes() + room },
  'a torrent that is kept': {
    what: ({ infoHash }, peer) => `magnet:?xt=urn:btih:${infoHash}&x.pe=${peer}`,
    options: { keeps: true },
    bytes: () => pairBytes() + originalBytes + room,
  },
};

for (const [name, { what, options, bytes }] of Object.entries(cases)) {
  test(`${name}: a disk that fills in the middle is one error that says how much is missing; with room it goes on`, async (t) => {
    const torrent = makeTorrent(checkpoint, { name: 'Mistral-Tiny', pieceLength: 32_768 });
    const seeder = await startSeeder(torrent);
    const disk = await smallDisk(bytes());
    try {
      if (!disk) return t.skip('may not mount');
      const { root } = disk;
      const pull = (more: Partial<PullTest> = {}) =>
        pullFine(what(torrent, seeder.name), { endpoint: hub.endpoint, root, type: 'q8_0', ...options, ...more });
      let isFull = false;
      const fillLate = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }): void => {
        if (!isFull && doneBytes > 0.6 * totalBytes) fill(root);
        isFull ||= doneBytes > 0.6 * totalBytes;
      };
      await assert.rejects(pull({ onProgress: fillLate }), (thrown: PixtralError) => {
        assert.equal(thrown.code, 'machine', String(thrown.stack));
        assert.match(thrown.message, / free, expected .*B for the pair|no space left on the disk/);
        assert.match(thrown.hint ?? '', /^free .*PIXTRAL_MODELS.*; the same command goes on from here$/);
        assert.doesNotMatch(thrown.hint ?? '', /--out/);
        return true;
      });
      assert.deepEqual(await visible(join(root, 'models')), []);
      await rm(join(root, 'others'));
      const done = await pull();
      assert.ok(done.resumedBytes > 0);
      assert.deepEqual(await readPair(done), expected);
    } finally {
      disk?.free();
      await seeder.close();
    }
  });

  test(`${name}: a disk that is too small is said before anything is converted`, async (t) => {
    const torrent = makeTorrent(checkpoint, { name: 'Mistral-Tiny', pieceLength: 32_768 });
    const seeder = await startSeeder(torrent);
    const disk = await smallDisk(bytes() - room - 100_000);
    try {
      if (!disk) return t.skip('may not mount');
      const run = pullFine(what(torrent, seeder.name), {
        endpoint: hub.endpoint,
        root: disk.root,
        type: 'q8_0',
        ...options,
        onProgress: ({ stage }) => assert.equal(stage, 'fetch', 'of small files, which tell how large the pair is'),
      });
      const keeps = options.keeps === true ? ' and the original' : '';
      await assert.rejects(run, (thrown: PixtralError) => {
        assert.equal(thrown.code, 'machine', String(thrown.stack));
        assert.match(thrown.message, new RegExp(`models/.*B free, expected .*B for the pair${keeps}$`));
        assert.match(thrown.hint ?? '', /^free .*B more, or let PIXTRAL_MODELS name a folder on another disk$/);
        return true;
      });
      assert.deepEqual(await visible(join(disk.root, 'models')), []);
    } finally {
      disk?.free();
      await seeder.close();
    }
  });
}

test(
  'where no file may grow so large, that is said; without the limit it goes on',
  { skip: process.platform === 'win32' },
  async () => {
    const run = async (
      limit: string,
      models = join(base, 'models'),
    ): Promise<{ exitCode: number; stdout: string; stderr: string }> => {
      const command = `ulimit -f ${limit}; exec "$0" "$1" pull tiny/Mistral-Tiny --type q8_0 --connections 1`;
      const child = spawn('sh', ['-c', command, process.execPath, binary], {
        env: {
          ...process.env,
          HF_ENDPOINT: hub.endpoint,
          HF_HOME: join(base, 'hf'),
          PIXTRAL_MODELS: models,
        },
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (text) => (stdout += text));
      child.stderr.on('data', (text) => (stderr += text));
      const [exitCode] = (await once(child, 'close')) as [number];
      return { exitCode, stdout, stderr };
    };
    const limited = await run('500'); // of 512 or 1024 bytes, as the shell has it
    assert.deepEqual([limited.exitCode, limited.stdout], [5, ''], limited.stderr);
    assert.match(limited.stderr, /^error: .*model\.gguf\.part: cannot write: no file may be so large here\nhint: /m);
    assert.deepEqual(await visible(join(base, 'models')), []);
    const done = await run('unlimited');
    assert.deepEqual([done.exitCode, done.stdout], [0, 'mistral-tiny-q8_0\n'], done.stderr);
    await run('unlimited', join(base, 'others'));
    const pairIn = (models: string) => {
      const folder = join(base, models, 'mistral-tiny-q8_0');
      return readPair({ model: join(folder, 'model.gguf'), mmproj: join(folder, 'mmproj.gguf') });
    };
    assert.deepEqual(await pairIn('models'), await pairIn('others'));
  },
);

test('where the pair has no room nothing of the weights is asked for but their header', async (t) => {
  const disk = await smallDisk(pairBytes() >> 1);
  try {
    if (!disk) return t.skip('may not mount');
    const pull = pullFine('tiny/Mistral-Tiny', { endpoint: hub.endpoint, root: disk.root, type: 'q8_0' });
    await assert.rejects(pull, { code: 'machine', message: / free, expected .*B for the pair/ });
    const asked = hub.requests.filter(({ path }) => path.includes('consolidated.safetensors'));
    const ends = asked.map(({ range = '' }) => Number(/-(\d+)$/.exec(range)?.[1]));
    assert.ok(ends.length > 0 && ends.every((end) => end < 20_000), ends.join());
  } finally {
    disk?.free();
  }
});

test('a disk that is read-only is told as what it is', async (t) => {
  const disk = await smallDisk(10 * pairBytes());
  try {
    if (!disk) return t.skip('may not mount');
    execFileSync('sh', ['-c', 'mount -o remount,ro "$0"', disk.root]);
    for (const folder of [disk.root, join(disk.root, 'a', 'b')]) {
      const out = { ...plainOptions('q8_0', join(folder, 'out')), mmprojType: 'f16' as const };
      const readOnly = { code: 'machine', message: /read-only file system/ };
      await assert.rejects(convertCheckpoint(checkpointFolder('mistral'), out), readOnly);
      const pulling = { endpoint: hub.endpoint, root: base, store: folder, type: 'q8_0' } as const;
      await assert.rejects(pullFine('tiny/Mistral-Tiny', pulling), {
        ...readOnly,
        hint: 'let PIXTRAL_MODELS name a folder on another disk',
      });
    }
  } finally {
    disk?.free();
  }
});
