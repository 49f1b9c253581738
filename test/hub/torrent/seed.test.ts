import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import Wire from 'bittorrent-protocol';
import type { Seeding } from '../../../src/engine/pull/options.ts';
import { parseTorrentFile } from '../../../src/hub/torrent/metainfo.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { type PullTest, pullFine, readPair } from '../../helpers/pulls.ts';
import { filesOf, startHub } from '../../helpers/stand-in-hub.ts';
import { type MadeTorrent, type Seeder, makeTorrent, startSeeder, startTracker } from '../../helpers/torrents.ts';

const checkpoint = filesOf(checkpointFolder('mistral'));
const name = 'pixtral-tiny-240910';
const files = {
  RELEASE: Buffer.alloc(50_000, 'release '),
  ...checkpoint,
  'more/empty.txt': Buffer.alloc(0),
  'more/z-other.bin': Buffer.alloc(90_000, 1),
};

let root: string;
let torrent: MadeTorrent;
let seeder: Seeder;
let tracker: Awaited<ReturnType<typeof startTracker>>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-seed-'));
  tracker = await startTracker(() => [seeder.port]);
  torrent = makeTorrent(files, { name, pieceLength: 32_768, trackers: [tracker.url] });
  seeder = await startSeeder(torrent);
});
afterEach(async () => {
  await seeder.close();
  await tracker.close();
  await rm(root, { recursive: true, force: true });
});

const pull = (what: string, options: Partial<PullTest> = {}) =>
  pullFine(what, { endpoint: 'http://127.0.0.1:9', root, type: 'q8_0', ...options });
const magnet = (...peers: string[]): string =>
  `magnet:?xt=urn:btih:${torrent.infoHash}&dn=${name}&tr=${encodeURIComponent(tracker.url)}${peers.map((peer) => `&x.pe=${peer}`).join('')}`;
const torrents = (): string => join(root, 'data', 'torrents');

describe('--keep', () => {
  test('keeps the whole torrent as other clients do, with its .torrent file', async () => {
    const done = await pull(magnet(), { keeps: true });
    assert.equal(done.kept, join(torrents(), torrent.infoHash, name));
    for (const [path, bytes] of Object.entries(files)) {
      assert.deepEqual(await readFile(join(done.kept, path)), Buffer.from(bytes), path);
    }
    const file = parseTorrentFile(await readFile(join(torrents(), `${torrent.infoHash}.torrent`)), 'x');
    assert.equal(file.infoHash, torrent.infoHash);
    assert.deepEqual(file.trackers, [tracker.url]);
    assert.deepEqual((await readdir(torrents())).sort(), [torrent.infoHash, `${torrent.infoHash}.torrent`]);
    assert.equal(seeder.sentBytes(), torrent.content.byteLength); // each byte once
  });

  test('what is kept is used by the next pull, without anybody else', async () => {
    const first = await pull(magnet(), { keeps: true });
    await seeder.close();
    const env = { HF_HUB_OFFLINE: '1' };
    const again = await pull(`magnet:?xt=urn:btih:${torrent.infoHash}`, { name: 'again', env });
    assert.deepEqual([again.from, again.fetchedBytes], ['cache', 0]);
    assert.deepEqual(await readPair(again), await readPair(first));
    await assert.rejects(pull(`magnet:?xt=urn:btih:${'0'.repeat(40)}`, { env }), {
      code: 'machine',
      message: /HF_HUB_OFFLINE forbids the network/,
    });
  });

  test('a pull that is stopped goes on, and keeps all of it; a byte that is damaged later is fetched again', async () => {
    const controller = new AbortController();
    const stopping = pull(magnet(), {
      keeps: true,
      signal: controller.signal,
      onProgress: ({ doneBytes }) => void (doneBytes > 500_000 && controller.abort(new Error('stopped'))),
    });
    await assert.rejects(stopping, /stopped/);
    assert.deepEqual(await readdir(torrents()), [`${torrent.infoHash}.part`]);
    const { kept, resumedBytes } = await pull(magnet(), { keeps: true });
    assert.ok(resumedBytes > 0);
    const weights = join(kept!, 'consolidated.safetensors');
    const bytes = await readFile(weights);
    assert.deepEqual(bytes, Buffer.from(checkpoint['consolidated.safetensors']!));
    bytes[70_000]! ^= 1;
    await writeFile(weights, bytes);
    const before = seeder.sentBytes();
    assert.equal((await pull(magnet(), { keeps: true })).from, 'installed');
    assert.equal(seeder.sentBytes() - before, torrent.pieceLength);
    assert.deepEqual(await readFile(weights), Buffer.from(checkpoint['consolidated.safetensors']!));
  });

  test('without it nothing is kept', async () => {
    assert.equal((await pull(magnet())).kept, undefined);
    await assert.rejects(readdir(torrents()), { code: 'ENOENT' });
  });
});

/** Seeds until `signal` or the ratio. */
function seeding(ratio: number): { seeding: Seeding; port: Promise<number>; sent: () => number } {
  let tell!: (port: number) => void;
  let sent = 0;
  const port = new Promise<number>((resolve) => (tell = resolve));
  const onEnd = ({ sentBytes }: { sentBytes: number }): void => void (sent = sentBytes);
  return { port, sent: () => sent, seeding: { ratio, port: 0, onBegin: (_, port) => tell(port), onEnd } };
}

describe('--seed', () => {
  test('others get all of it from us alone, the info too, until the ratio is reached', async () => {
    const own = seeding(1);
    const running = pull(magnet(), { keeps: true, seeding: own.seeding });
    const port = await Promise.race([own.port, running.then(() => 0)]);
    await seeder.close();
    const other = join(root, 'other');
    const got = await pull(magnet(`127.0.0.1:${port}`), { root: other, keeps: true });
    const done = await running;
    assert.deepEqual(await readPair(got), await readPair(done));
    assert.equal(own.sent(), torrent.content.byteLength);
    const announced = tracker.asked.filter((path) => path.includes(`&port=${port}&`));
    assert.match(announced[0]!, /&uploaded=0&downloaded=0&left=0&.*&event=started/);
    assert.match(announced.at(-1)!, new RegExp(`&uploaded=${torrent.content.byteLength}&.*&event=stopped`));
  });

  test('an IPv6 address is listened at too, where there is one', async (context) => {
    const own = seeding(1);
    const running = pull(magnet(), { keeps: true, seeding: own.seeding });
    const port = await own.port;
    const socket = connect({ host: '::1', port });
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) await pull(magnet(`[::1]:${port}`), { root: join(root, 'other'), keeps: true });
    else {
      context.diagnostic('no IPv6 here');
      await pull(magnet(`127.0.0.1:${port}`), { root: join(root, 'other'), keeps: true });
    }
    await running;
  });

  test('it ends by its signal, with the model installed, and tells the tracker', async () => {
    const controller = new AbortController();
    const own = seeding(10);
    const running = pull(magnet(), { keeps: true, seeding: own.seeding, signal: controller.signal });
    const port = await own.port;
    controller.abort(2);
    assert.equal((await running).name, `${name}-q8_0`);
    assert.ok(tracker.asked.some((path) => path.includes(`&port=${port}&`) && path.endsWith('&event=stopped')));
    await assert.rejects(once(connect({ host: '127.0.0.1', port }), 'connect'), { code: 'ECONNREFUSED' });
  });

  test('who asks for what there is not, or says that a message has a gigabyte, is left', async () => {
    const controller = new AbortController();
    const own = seeding(10);
    const running = pull(magnet(), { keeps: true, seeding: own.seeding, signal: controller.signal });
    const port = await own.port;
    const last = Math.ceil(torrent.content.byteLength / torrent.pieceLength) - 1;
    const unsound = [
      (wire: Wire) => wire.request(last + 1, 0, 16_384, () => {}),
      (wire: Wire) => wire.request(last, torrent.content.byteLength % torrent.pieceLength, 1, () => {}),
      (wire: Wire) => wire.request(0, 16_384, 16_385, () => {}),
      (wire: Wire) => wire.request(0, 0, 262_144, () => {}),
      (wire: Wire) => void wire.push(Buffer.from([0x40, 0, 0, 0, 7])),
    ];
    for (const send of unsound) {
      const socket = connect({ host: '127.0.0.1', port });
      const wire = new Wire('tcpOutgoing');
      wire.on('handshake', () => wire.interested());
      wire.on('unchoke', () => send(wire));
      wire.on('error', () => undefined);
      socket.on('error', () => undefined);
      socket.once('connect', () => wire.handshake(torrent.infoHash, 'ab'.repeat(20)));
      socket.pipe(wire).pipe(socket);
      await once(socket, 'close');
    }
    const got = await pull(magnet(`127.0.0.1:${port}`), { root: join(root, 'other') });
    controller.abort(2);
    assert.deepEqual(await readPair(got), await readPair(await running));
  });

  test('from the Hub is a wrong use', async () => {
    await assert.rejects(pull('tiny/Mistral-Tiny', { keeps: true, seeding: seeding(1).seeding }), {
      code: 'usage',
      message: /--seed: tiny\/Mistral-Tiny comes from the Hub/,
    });
  });
});

test('weights that the Hub publishes too must have its sum; where it cannot be asked, that is said', async () => {
  const hub = await startHub({ 'tiny/Mistral-Tiny': { files: checkpoint } });
  const notes: string[] = [];
  const onNote = (note: string): void => void notes.push(note);
  const publications = { [torrent.infoHash]: 'tiny/Mistral-Tiny' };
  try {
    await pull(magnet(), { endpoint: hub.endpoint, publications, onNote });
    assert.ok(notes.includes('consolidated.safetensors: has the sha256 that the Hub publishes'), notes.join('\n'));
    hub.repos.get('tiny/Mistral-Tiny')!.wrongSums = ['consolidated.safetensors'];
    await assert.rejects(pull(magnet(), { endpoint: hub.endpoint, publications, force: true }), {
      code: 'model',
      message: /consolidated\.safetensors: sha256 is [0-9a-f]{64}, expected e{64}/,
    });
  } finally {
    await hub.close();
  }
  await pull(magnet(), { endpoint: hub.endpoint, publications, onNote, name: 'unasked', stallMilliseconds: 300 });
  assert.ok(notes.some((note) => note.includes('cannot be asked for its sums')));
});
