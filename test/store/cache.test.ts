import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as fc from '../helpers/fast-check.ts';
import { type Cache, type CacheEntry, openCache } from '../../src/store/cache.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-cache-'));
});
after(() => rm(folder, { recursive: true, force: true }));

let places = 0;
function freshCache(maxBytes = 1e6) {
  const place = join(folder, String(places++));
  return { place, cache: openCache({ folder: place, limit: () => Promise.resolve(maxBytes) }) };
}

async function firstOf(cache: Cache): Promise<CacheEntry> {
  const [first] = await cache.entries();
  assert.ok(first);
  return first;
}

const keyOf = (name: string): Buffer => createHash('sha256').update(name).digest();
const payloadOf = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, at) => (at * 31) & 0xff));

test('what was put is got back, by kind and key, by another cache on the same folder too', async () => {
  const { place, cache } = freshCache();
  assert.equal(await cache.get('image', keyOf('a'), 1e6), undefined);
  assert.equal(await cache.put('image', keyOf('a'), payloadOf(1000)), true);
  assert.deepEqual(await cache.get('image', keyOf('a'), 1e6), payloadOf(1000));
  assert.deepEqual(
    await openCache({ folder: place, limit: () => Promise.resolve(1e6) }).get('image', keyOf('a'), 1e6),
    payloadOf(1000),
  );
  assert.equal(await cache.get('prefix', keyOf('a'), 1e6), undefined);
  assert.equal(await cache.get('image', keyOf('b'), 1e6), undefined);
});

test('entries and their folder are for the user alone', { skip: process.platform === 'win32' }, async () => {
  const { place, cache } = freshCache();
  await cache.put('image', keyOf('a'), payloadOf(10));
  assert.equal((await stat(place)).mode & 0o077, 0);
  const { path } = await firstOf(cache);
  assert.equal((await stat(path)).mode & 0o077, 0);
});

test('an entry cut at every 1 KB is absent, and removed', async () => {
  const { cache } = freshCache();
  for (let length = 0; length < 20_000; length += 1024) {
    await cache.put('prefix', keyOf('cut'), payloadOf(20_000));
    const { path } = await firstOf(cache);
    await truncate(path, length);
    assert.equal(await cache.get('prefix', keyOf('cut'), 1e6), undefined, `cut to ${length}`);
    assert.deepEqual(await cache.entries(), []);
  }
});

test('an entry with any byte changed is absent, and so is one under the name of another', async () => {
  const { place, cache } = freshCache();
  await cache.put('image', keyOf('a'), payloadOf(300));
  const { path } = await firstOf(cache);
  const whole = await readFile(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
      const changed = Buffer.from(whole);
      changed[at] = changed[at]! ^ difference;
      await writeFile(path, changed);
      assert.equal(await cache.get('image', keyOf('a'), 1e6), undefined);
    }),
    { numRuns: 200 },
  );
  await writeFile(join(place, `image-${keyOf('b').toString('hex')}`), whole);
  assert.equal(await cache.get('image', keyOf('b'), 1e6), undefined);
});

test('beyond the limit the least recently used goes first, where reading is use', async () => {
  const { cache } = freshCache(5000);
  for (const name of ['a', 'b', 'c']) await cache.put('image', keyOf(name), payloadOf(1400));
  const now = Date.now() / 1000;
  for (const [age, { path }] of (await cache.entries()).entries()) await utimes(path, now - 90 + age, now - 90 + age);
  const oldest = await firstOf(cache);
  await cache.get('image', Buffer.from(oldest.key, 'hex'), 1e6);
  await cache.put('image', keyOf('d'), payloadOf(1400));
  const left = (await cache.entries()).map(({ key }) => key);
  assert.equal(left.length, 3);
  assert.ok(left.includes(oldest.key));
  assert.ok(left.includes(keyOf('d').toString('hex')));
});

test('what would take more than half of the room is not kept', async () => {
  const { cache } = freshCache(1000);
  assert.equal(await cache.put('image', keyOf('a'), payloadOf(600)), false);
  assert.deepEqual(await cache.entries(), []);
});

test('a folder that cannot be written keeps nothing and fails nothing', async () => {
  const file = join(folder, 'a file');
  await writeFile(file, 'x');
  const cache = openCache({ folder: join(file, 'cache'), limit: () => Promise.resolve(1e6) });
  assert.equal(await cache.put('image', keyOf('a'), payloadOf(10)), false);
  assert.equal(await cache.get('image', keyOf('a'), 1e6), undefined);
});

test('verify removes what is damaged and counts what is whole', async () => {
  const { cache } = freshCache();
  for (const name of ['a', 'b', 'c']) await cache.put('image', keyOf(name), payloadOf(100));
  const { path } = await firstOf(cache);
  await writeFile(path, 'noise');
  const { whole, damaged } = await cache.verify();
  assert.equal(whole.entries, 2);
  assert.equal(damaged.entries, 1);
  assert.equal((await cache.entries()).length, 2);
});

test('prune removes what killed writers left, but not what a writer may still hold', async () => {
  const { place, cache } = freshCache();
  await cache.put('image', keyOf('a'), payloadOf(10));
  const [old, young] = ['old.1.tmp', 'young.2.tmp'].map((name) => join(place, name)) as [string, string];
  await writeFile(old, 'x');
  await writeFile(young, 'x');
  const twoHoursAgo = Date.now() / 1000 - 7200;
  await utimes(old, twoHoursAgo, twoHoursAgo);
  await cache.prune(1e6);
  assert.deepEqual(
    (await readdir(place)).filter((name) => name.endsWith('.tmp')),
    ['young.2.tmp'],
  );
});

test('two processes that write, read and prune the same few entries never see half of one', async () => {
  const place = join(folder, String(places++));
  const script = fileURLToPath(new URL('../helpers/cache-worker.ts', import.meta.url));
  const said = await Promise.all(['1', '2'].map((seed) => run(script, [place, seed])));
  for (const text of said) assert.match(text, /^hits [1-9]\d*\n$/);
});

async function run(script: string, words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  const [exitCode] = (await once(child, 'close')) as [number];
  assert.equal(exitCode, 0);
  return said;
}

test('an entry that claims 20 GB is not what was put there: nothing of that size is read', async () => {
  const { cache } = freshCache(1e12);
  await cache.put('prefix', keyOf('forged'), payloadOf(1000));
  const { path } = await firstOf(cache);
  const header = (await readFile(path)).subarray(0, 80);
  header.writeBigUInt64LE(BigInt(20e9), 40);
  await writeFile(path, header);
  await truncate(path, 80 + 20e9); // sparse
  const before = process.memoryUsage.rss();
  assert.equal(await cache.get('prefix', keyOf('forged'), 1e6), undefined);
  assert.ok(process.memoryUsage.rss() - before < 100e6);
  assert.deepEqual(await cache.entries(), []);
});

test(
  'whatever lies in the folder, it can be listed, checked and pruned',
  { skip: process.platform === 'win32' },
  async () => {
    const { place, cache } = freshCache();
    await cache.put('image', keyOf('whole'), payloadOf(100));
    const named = (name: string): string => join(place, `image-${keyOf(name).toString('hex')}`);
    execFileSync('mkfifo', [named('pipe')]);
    await symlink('/dev/zero', named('endless'));
    await symlink(named('circle'), named('circle'));
    await mkdir(join(named('folder'), 'inside'), { recursive: true });
    await writeFile(named('nothing'), '');
    await writeFile(named('old'), 'x');
    await utimes(named('old'), 8e12, 8e12).catch(() => undefined);
    await writeFile(join(place, 'image-nothex'), 'x');
    await symlink('/dev/zero', join(place, 'other.tmp'));
    assert.equal((await cache.entries()).length, 7);
    for (const { usedAt } of await cache.entries()) assert.ok(usedAt.toISOString());
    assert.equal(await cache.get('image', keyOf('pipe'), 1e6), undefined);
    assert.equal(await cache.get('image', keyOf('endless'), 1e6), undefined);
    const { whole, damaged } = await cache.verify();
    assert.equal(whole.entries, 1);
    assert.equal(damaged.entries, 4);
    assert.deepEqual((await readdir(place)).sort(), [
      basename((await firstOf(cache)).path),
      'image-nothex',
      'other.tmp',
    ]);
    assert.equal((await cache.prune(0)).entries, 1);
  },
);

test('a folder that is a file is an error that says so', async () => {
  const place = join(folder, 'a-file');
  await writeFile(place, '');
  await assert.rejects(openCache({ folder: place, limit: () => Promise.resolve(1e6) }).entries(), {
    code: 'machine',
    message: /a-file: is no folder that can be read/,
  });
});

test('the limit is asked for when something is to be kept, not by readers', async () => {
  const { place } = freshCache(0);
  let asked = 0;
  const cache = openCache({ folder: place, limit: () => Promise.resolve(++asked * 1e6) });
  assert.equal(await cache.get('image', keyOf('a'), 1e6), undefined);
  assert.equal(asked, 0);
  await cache.put('image', keyOf('a'), payloadOf(1000));
  await cache.put('image', keyOf('b'), payloadOf(1000));
  assert.equal(asked, 1);
});
