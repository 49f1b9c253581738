import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Client as Dht } from 'bittorrent-dht';
import { PixtralError } from '../../../src/base/errors.ts';
import { convertCheckpoint } from '../../../src/engine/convert.ts';
import { parseInfo, parseMagnet, parseTorrentFile } from '../../../src/hub/torrent/metainfo.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { plainOptions } from '../../helpers/converted.ts';
import { type PullTest, pullFine, readPair } from '../../helpers/pulls.ts';
import { filesOf } from '../../helpers/stand-in-hub.ts';
import { type MadeTorrent, type Seeder, makeTorrent, startSeeder, startTracker } from '../../helpers/torrents.ts';

const checkpoint = filesOf(checkpointFolder('mistral'));
const name = 'pixtral-tiny-240910';
/** Files that no conversion needs, before and between those that it does. */
const files = { RELEASE: Buffer.alloc(200_000, 'release '), ...checkpoint, 'z-other.bin': Buffer.alloc(300_000, 1) };
const needed = Object.values(checkpoint).reduce((sum, { byteLength }) => sum + byteLength, 0);

let root: string;
let expected: Buffer[];
let torrent: MadeTorrent;
let tracker: Awaited<ReturnType<typeof startTracker>>;
let seeders: Seeder[];

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-torrent-'));
  const copy = join(folder, name);
  await cp(checkpointFolder('mistral'), copy, { recursive: true });
  expected = await readPair(
    await convertCheckpoint(copy, { ...plainOptions('q8_0', join(folder, 'out')), mmprojType: 'f16' }),
  );
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-torrent-'));
  seeders = [];
  tracker = await startTracker(() => seeders.map(({ port }) => port));
  torrent = makeTorrent(files, { name, pieceLength: 32_768, trackers: [tracker.url] });
});
afterEach(async () => {
  for (const seeder of seeders) await seeder.close();
  await tracker.close();
  await rm(root, { recursive: true, force: true });
});
after(() => (expected = []));

const pull = (what: string, options: Partial<PullTest> = {}) =>
  pullFine(what, { endpoint: 'http://127.0.0.1:9', root, type: 'q8_0', ...options });
const seed = async (...options: Parameters<typeof startSeeder>[1][]): Promise<void> => {
  for (const one of options) seeders.push(await startSeeder(torrent, one));
};
async function torrentFile(made = torrent): Promise<string> {
  const path = join(root, 'tiny.torrent');
  await writeFile(path, made.bytes);
  return path;
}
const magnet = (): string => `magnet:?xt=urn:btih:${torrent.infoHash}&dn=${name}&tr=${encodeURIComponent(tracker.url)}`;

test('a .torrent file: the pair that convert makes, only what is needed is fetched, nothing is uploaded', async () => {
  await seed({}, {});
  const done = await pull(await torrentFile());
  assert.deepEqual(await readPair(done), expected);
  const sent = seeders.reduce((sum, { sentBytes }) => sum + sentBytes(), 0);
  assert.ok(sent < needed + 6 * torrent.pieceLength, `${sent} of ${needed}`);
  assert.ok(seeders.every((seeder) => seeder.gotBytes() === 0));
  assert.match(tracker.asked[0]!, /info_hash=(%[0-9a-f]{2}){20}&peer_id=.*&event=started$/);
  assert.match(tracker.asked.at(-1)!, /info_hash=(%[0-9a-f]{2}){20}&peer_id=.*&event=stopped$/);
  const record = JSON.parse(await readFile(join(done.folder, 'pixtral.json'), 'utf8'));
  assert.equal(record.revision, torrent.infoHash);
  assert.match(record.source, new RegExp(`^magnet:\\?xt=urn:btih:${torrent.infoHash}&dn=${name}&tr=http`));
  const weights = record.original.find(({ name }: { name: string }) => name === 'consolidated.safetensors');
  assert.match(weights.sha256, /^[0-9a-f]{64}$/);
});

test('a magnet link: the info comes from a peer', async () => {
  await seed({});
  assert.deepEqual(await readPair(await pull(magnet())), expected);
});

test('a peer that is found in the distributed hash table', async () => {
  await seed({});
  const node = new Dht({ bootstrap: false });
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  const other = new Dht({ bootstrap: [`127.0.0.1:${node.address().port}`] });
  try {
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    await new Promise((resolve) => other.announce(torrent.infoHash, seeders[0]!.port, resolve));
    const bare = `magnet:?xt=urn:btih:${torrent.infoHash}`;
    const done = await pull(bare, { dht: { bootstrap: [`127.0.0.1:${node.address().port}`] } });
    assert.deepEqual(await readPair(done), expected);
  } finally {
    other.destroy();
    node.destroy();
  }
});

test('a peer that sends wrong pieces is found out and left, alone and among others', async () => {
  await seed({ wrong: (piece) => piece % 3 === 0 }, {}, {});
  assert.deepEqual(await readPair(await pull(magnet())), expected);
});

test('peers that go away are come back to', async () => {
  await seed({ dropAfter: 30 }, { dropAfter: 50 }, {});
  assert.deepEqual(await readPair(await pull(magnet())), expected);
});

test('a web seed alone, and one that sends what is wrong beside a peer', async () => {
  let flips = false;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!.split('/').at(-1)!);
    const bytes = Buffer.from(files[path as keyof typeof files]);
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')!;
    const part = Buffer.from(bytes.subarray(Number(from), Number(to) + 1));
    if (flips) part[0]! ^= 1;
    response.writeHead(206, {
      'content-range': `bytes ${from}-${to}/${bytes.byteLength}`,
      'content-length': part.byteLength,
    });
    response.end(part);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const webSeeds = [`http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`];
    const seeded = makeTorrent(files, { name, pieceLength: 32_768, webSeeds });
    assert.deepEqual(await readPair(await pull(await torrentFile(seeded))), expected);
    flips = true;
    await seed({});
    const both = makeTorrent(files, { name, pieceLength: 32_768, webSeeds, trackers: [tracker.url] });
    assert.deepEqual(await readPair(await pull(await torrentFile(both), { force: true })), expected);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

test('what is stopped goes on where it was', async () => {
  await seed({});
  const controller = new AbortController();
  const stopping = pull(magnet(), {
    signal: controller.signal,
    onProgress: ({ doneBytes }) => void (doneBytes > 500_000 && controller.abort(new Error('stopped by the test'))),
  });
  await assert.rejects(stopping, /stopped by the test/);
  assert.match(tracker.asked.at(-1)!, /&event=stopped$/);
  const before = seeders[0]!.sentBytes();
  const done = await pull(magnet());
  assert.ok(done.resumedBytes > 200_000);
  assert.ok(seeders[0]!.sentBytes() - before < needed - 100_000);
  assert.deepEqual(await readPair(done), expected);
});

test('nobody who sends anything is an error that says so', async () => {
  await seed({ wrong: () => true });
  await assert.rejects(pull(magnet(), { stallMilliseconds: 100 }), {
    code: 'machine',
    message: /nothing has come for 2 seconds, from \d+ peers/,
  });
  const left = await readdir(join(root, 'models')).catch(() => []);
  assert.deepEqual(
    left.filter((name) => !name.startsWith('.')),
    [],
  );
});

test('magnets and .torrent files that are not sound are refused by name', async () => {
  assert.equal(parseMagnet('magnet:?xt=urn:btmh:1220caf1'), undefined);
  assert.equal(parseMagnet(`magnet:?xt=urn:btih:${'A'.repeat(32)}`)?.infoHash, '0'.repeat(40));
  await assert.rejects(pull('magnet:?dn=x'), { code: 'usage' });
  await assert.rejects(pull(join(root, 'none.torrent')), { code: 'model', message: /no such file/ });
  for (let cut = 0; cut < torrent.bytes.byteLength; cut += 97) {
    assert.throws(() => parseTorrentFile(torrent.bytes.subarray(0, cut), 'x'), PixtralError);
    assert.throws(
      () => parseInfo(torrent.info.subarray(0, Math.min(cut, torrent.info.byteLength - 1)), 'x'),
      PixtralError,
    );
  }
  const evil = makeTorrent({ '../../evil': Buffer.alloc(10) }, { name, pieceLength: 16_384 });
  assert.throws(() => parseInfo(evil.info, 'x'), {
    code: 'model',
    message: /called "\.\.\/\.\.\/evil", expected a plain path/,
  });
});
