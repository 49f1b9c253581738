import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import bencode from 'bencode';
import { type Http, openHttp } from '../../../src/hub/http.ts';
import type { Announcing } from '../../../src/hub/torrent/announcing.ts';
import { compactPeers, parsePeerName } from '../../../src/hub/torrent/peer-name.ts';
import { askTracker } from '../../../src/hub/torrent/trackers.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { pullFine, readPair } from '../../helpers/pulls.ts';
import { filesOf, startHub } from '../../helpers/stand-in-hub.ts';
import { makeTorrent, startSeeder, startTracker, startUdpTracker } from '../../helpers/torrents.ts';

const torrent = makeTorrent(filesOf(checkpointFolder('mistral')), { name: 'Mistral-Tiny', pieceLength: 32_768 });

let http: Http;
let expected: Buffer[];
let hasV6 = false;
const closing: (() => Promise<void>)[] = [];
let root: string;

before(async () => {
  http = await openHttp({
    env: {},
    connections: 2,
    stallMilliseconds: 5000,
    backoffMilliseconds: 1,
    rateLimit: undefined,
    userAgent: 'pixtral/test',
    onRetry: () => {},
  });
  hasV6 = await listensAt('::1');
  const hub = await startHub({ 'tiny/Mistral-Tiny': { files: filesOf(checkpointFolder('mistral')) } });
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-trackers-'));
  expected = await readPair(
    await pullFine('tiny/Mistral-Tiny', { endpoint: hub.endpoint, root: folder, type: 'q8_0' }),
  );
  await hub.close();
  await rm(folder, { recursive: true });
});
after(() => http.close());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-trackers-'));
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rm(root, { recursive: true, force: true });
});

async function listensAt(host: string): Promise<boolean> {
  const server = createTcpServer();
  const listens = await once(server.listen(0, host), 'listening').then(
    () => true,
    () => false,
  );
  server.close();
  return listens;
}

/** Closed after the test. */
async function opened<T extends { close: () => Promise<void> }>(opening: Promise<T>): Promise<T> {
  const one = await opening;
  closing.push(() => one.close());
  return one;
}

const announcing = (): Announcing => ({
  infoHash: torrent.infoHash,
  peerId: 'ab'.repeat(20),
  port: 6881,
  left: 7_000_000_000,
  uploaded: 5_000_000_000,
  event: 'started',
  http,
  signal: new AbortController().signal,
});
const pullFrom = (...trackers: string[]) =>
  pullFine(
    `magnet:?xt=urn:btih:${torrent.infoHash}&dn=Mistral-Tiny${trackers.map((url) => `&tr=${encodeURIComponent(url)}`).join('')}`,
    { endpoint: 'http://127.0.0.1:9', root, type: 'q8_0' },
  );

describe('a tracker over UDP', () => {
  test('names peers, and is told all that it wants to know', async () => {
    const tracker = await opened(startUdpTracker(() => [7001, 65_535]));
    assert.deepEqual(await askTracker(tracker.url, announcing()), ['127.0.0.1:7001', '127.0.0.1:65535']);
    const { infoHash } = torrent;
    const [left, uploaded] = [7_000_000_000n, 5_000_000_000n];
    assert.deepEqual(tracker.announced[0], { infoHash, left, uploaded, event: 2, wanted: 100, port: 6881 });
    for (const [event, number] of [['stopped', 3] as const, ['completed', 1] as const, [undefined, 0] as const]) {
      await askTracker(tracker.url, { ...announcing(), event });
      assert.equal(tracker.announced.at(-1)!.event, number);
    }
  });

  test('is asked again when a packet gets lost', async () => {
    const tracker = await opened(startUdpTracker(() => [7001], { lost: 1 }));
    assert.deepEqual(await askTracker(tracker.url, announcing()), ['127.0.0.1:7001']);
    assert.ok(tracker.packets() >= 3);
  });

  test('that refuses is an error with its reason, over HTTP too', async () => {
    const tracker = await opened(startUdpTracker(() => [7001], { failure: 'not registered' }));
    await assert.rejects(askTracker(tracker.url, announcing()), { message: 'not registered' });
    const server = createServer((_, response) => response.end(bencode.encode({ 'failure reason': 'not registered' })));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    closing.push(async () => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
    await assert.rejects(askTracker(url, announcing()), { message: 'not registered' });
  });

  test('that refuses is named where nobody was found', async () => {
    const tracker = await opened(startUdpTracker(() => [], { failure: 'not registered' }));
    const magnet = `magnet:?xt=urn:btih:${torrent.infoHash}&tr=${encodeURIComponent(tracker.url)}`;
    await assert.rejects(
      pullFine(magnet, { endpoint: 'http://127.0.0.1:9', root, type: 'q8_0', stallMilliseconds: 100 }),
      { code: 'machine', message: /from 0 peers/, hint: /goes on from here; udp:\/\/127.*: not registered$/ },
    );
  });

  test('a signal ends the waiting for one that never answers', async () => {
    const tracker = await opened(startUdpTracker(() => [], { lost: Infinity }));
    const stop = new AbortController();
    const asking = askTracker(tracker.url, { ...announcing(), signal: stop.signal });
    stop.abort();
    await assert.rejects(asking, { name: 'AbortError' });
  });

  test('leads a pull to its peers', async () => {
    const seeder = await opened(startSeeder(torrent));
    const tracker = await opened(startUdpTracker(() => [seeder.port], { lost: 1 }));
    assert.deepEqual(await readPair(await pullFrom(tracker.url)), expected);
    assert.equal(tracker.announced[0]!.infoHash, torrent.infoHash);
  });
});

describe('IPv6', () => {
  test('trackers over UDP and HTTP at ::1, and the peers that they name', async (context) => {
    if (!hasV6) return context.skip('there is no IPv6 here');
    const seeder = await opened(startSeeder(torrent, { host: '::1' }));
    const ports = (): number[] => [seeder.port];
    for (const tracker of [
      await opened(startUdpTracker(ports, { host: '::1' })),
      await opened(startTracker(ports, '::1')),
    ]) {
      const [name] = await askTracker(tracker.url, announcing());
      assert.equal(name, `[0:0:0:0:0:0:0:1]:${seeder.port}`);
      assert.deepEqual(await readPair(await pullFrom(tracker.url)), expected);
      await rm(join(root, 'models'), { recursive: true });
    }
    const named = `magnet:?xt=urn:btih:${torrent.infoHash}&x.pe=${seeder.name}`;
    const done = await pullFine(named, { endpoint: 'http://127.0.0.1:9', root, type: 'q8_0' });
    assert.deepEqual(await readPair(done), expected);
  });

  test('packed addresses of both kinds', () => {
    const six = Buffer.from('20010db80000000000000000000000011ae1', 'hex');
    assert.deepEqual(compactPeers(six, 16), ['[2001:db8:0:0:0:0:0:1]:6881']);
    assert.deepEqual(compactPeers(six.subarray(0, 17), 16), []);
    assert.deepEqual(compactPeers(Buffer.from([10, 0, 0, 1, 26, 225, 9]), 4), ['10.0.0.1:6881']);
    assert.deepEqual(parsePeerName('[2001:db8::1]:6881'), { host: '2001:db8::1', port: 6881 });
    for (const wrong of ['10.0.0.1', '10.0.0.1:0', '10.0.0.1:65536', '2001:db8::1:6881']) {
      assert.equal(parsePeerName(wrong), undefined, wrong);
    }
  });
});
