import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoCheckpoint } from '../../src/engine/runtime/demo.ts';
import { pullFine, readPair } from '../helpers/pulls.ts';
import { filesOf, startHub } from '../helpers/stand-in-hub.ts';
import { makeTorrent, startSeeder, startTracker } from '../helpers/torrents.ts';

/**
 * Outside CI: `pull` takes the demo's weights from transmission-daemon and from aria2c, alone and beside a peer that
 * sends wrong pieces, and the pair is the one that comes from the Hub. Then both fetch it from `pull --keep --seed`.
 * Usage: npm run compare:torrent (both programs installed)
 */
const files = filesOf(demoCheckpoint);
const torrent = makeTorrent(files, { name: 'Demo', pieceLength: 262_144 });
const root = mkdtempSync(join(tmpdir(), 'pixtral-peers-'));
const torrentPath = join(root, 'demo.torrent');
mkdirSync(join(root, 'watch'));
mkdirSync(join(root, 'data', 'Demo'), { recursive: true });
for (const [name, bytes] of Object.entries(files)) writeFileSync(join(root, 'data', 'Demo', name), bytes);
writeFileSync(torrentPath, torrent.bytes);
writeFileSync(join(root, 'watch', 'demo.torrent'), torrent.bytes); // transmission-daemon gives it another name

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function transmission(port: number, rpcPort: number): ChildProcess {
  const words = [
    '-f',
    '-g',
    join(root, 'config'),
    '-w',
    join(root, 'data'),
    '-c',
    join(root, 'watch'),
    '-p',
    String(rpcPort),
  ];
  const network = [
    '-P',
    String(port),
    '--no-dht',
    '--no-lpd',
    '--no-utp',
    '--no-portmap',
    '--encryption-tolerated',
    '-i',
    '127.0.0.1',
  ];
  return spawn('transmission-daemon', [...words, ...network], { stdio: 'ignore' });
}

function aria2(port: number): ChildProcess {
  const words = [
    '--check-integrity=true',
    '--seed-ratio=0.0',
    `--listen-port=${port}`,
    '--enable-dht=false',
    '--bt-enable-lpd=false',
  ];
  return spawn('aria2c', [...words, '--dir', join(root, 'data'), torrentPath], { stdio: 'ignore' });
}

const hub = await startHub({ 'tiny/Demo': { files } });
const expected = await readPair(
  await pullFine('tiny/Demo', { endpoint: hub.endpoint, root: join(root, 'hub'), type: 'q8_0' }),
);
await hub.close();
const rpcPort = await freePort();
const programs = { transmission: (port: number) => transmission(port, rpcPort), aria2 };
try {
  for (const [name, start] of Object.entries(programs)) {
    const port = await freePort();
    const child = start(port);
    try {
      for (const wrongToo of [false, true]) {
        const wrong = wrongToo ? await startSeeder(torrent, { wrong: (piece) => piece % 4 === 0 }) : undefined;
        const peers = [`127.0.0.1:${port}`, ...(wrong ? [wrong.name] : [])].map((peer) => `&x.pe=${peer}`).join('');
        const began = performance.now();
        const done = await pullFine(`magnet:?xt=urn:btih:${torrent.infoHash}${peers}`, {
          endpoint: 'http://127.0.0.1:9',
          root: join(root, `${name}-${wrongToo}`),
          type: 'q8_0',
          stallMilliseconds: 5000,
        });
        const pair = await readPair(done);
        if (!pair.every((bytes, index) => bytes.equals(expected[index]!))) throw new Error(`${name}: another pair`);
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        process.stdout.write(
          `${name}${wrong ? ', beside a peer that sends wrong pieces' : ''}: the same pair, ${seconds} s, ${wrong?.sentBytes() ?? 0} bytes of the wrong peer's\n`,
        );
        await wrong?.close();
      }
    } finally {
      child.kill();
    }
  }
  for (const client of ['transmission', 'aria2'] as const) await fetchFromUs(client);
} finally {
  rmSync(root, { recursive: true, force: true });
}

/**
 * aria2 starts with nothing but a magnet link and connects to us; transmission has a .torrent file, takes no peers on
 * loopback from a tracker, and is connected to by us.
 */
async function fetchFromUs(client: 'transmission' | 'aria2'): Promise<void> {
  let own = 0;
  const theirs = await freePort();
  const tracker = await startTracker(() => [own, theirs]);
  const seeder = await startSeeder(torrent);
  const stop = new AbortController();
  const began = performance.now();
  let begin!: (port: number) => void;
  const listening = new Promise<number>((resolve) => (begin = resolve));
  let sentBytes = 0;
  const seeding = {
    ratio: 10,
    port: await freePort(),
    onBegin: (_: unknown, port: number) => begin(port),
    onEnd: (end: { sentBytes: number }) => void (sentBytes = end.sentBytes),
  };
  const magnet = `magnet:?xt=urn:btih:${torrent.infoHash}&tr=${encodeURIComponent(tracker.url)}`;
  const running = pullFine(`${magnet}&x.pe=${seeder.name}`, {
    endpoint: 'http://127.0.0.1:9',
    root: join(root, `seeding-to-${client}`),
    type: 'q8_0',
    keeps: true,
    seeding,
    signal: stop.signal,
  });
  own = await Promise.race([listening, running.then(() => 0)]);
  await seeder.close();
  const folder = join(root, `from-us-${client}`);
  mkdirSync(folder);
  const words = {
    transmission: [
      '-f',
      '-g',
      join(folder, 'config'),
      '-w',
      folder,
      '-p',
      String(await freePort()),
      '-P',
      String(theirs),
      '--no-dht',
      '--no-lpd',
      '--no-utp',
      '--no-portmap',
      '-c',
      join(folder, 'watch'),
    ],
    aria2: [
      '--seed-time=0',
      `--listen-port=${theirs}`,
      '--enable-dht=false',
      '--bt-enable-lpd=false',
      '--dir',
      folder,
      magnet,
    ],
  };
  if (client === 'transmission') {
    mkdirSync(join(folder, 'watch'));
    const found = makeTorrent(files, { name: 'Demo', pieceLength: 262_144, trackers: [tracker.url] });
    writeFileSync(join(folder, 'watch', 'demo.torrent'), found.bytes);
  }
  const child = spawn({ transmission: 'transmission-daemon', aria2: 'aria2c' }[client], words[client], {
    stdio: 'ignore',
  });
  try {
    const isWhole = (): boolean =>
      Object.entries(files).every(([name, bytes]) => {
        const path = join(folder, 'Demo', name);
        return existsSync(path) && readFileSync(path).equals(Buffer.from(bytes));
      });
    for (let seconds = 0; !isWhole(); seconds++) {
      if (seconds > 60) throw new Error(`${client} has not got it from us`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  } finally {
    child.kill();
    stop.abort(2);
    await running;
    await tracker.close();
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${client} fetched all of it from pull --seed: ${sentBytes} bytes sent, ${seconds} s in all\n`);
}
