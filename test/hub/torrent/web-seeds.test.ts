import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openHttp } from '../../../src/hub/http.ts';
import { parseTorrentFile } from '../../../src/hub/torrent/metainfo.ts';
import { openTorrentRemote } from '../../../src/hub/torrent/torrent-remote.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { type PullTest, pullFine } from '../../helpers/pulls.ts';
import { filesOf } from '../../helpers/stand-in-hub.ts';
import { type MadeTorrent, makeTorrent, startSeeder } from '../../helpers/torrents.ts';

const checkpoint = filesOf(checkpointFolder('mistral'));
const name = 'pixtral 12b #1 (é)';
const pieceLength = 32_768;

let root: string;
let web: WebServer;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-web-seeds-'));
  web = await startWebServer();
});
afterEach(async () => {
  await web.close();
  await rm(root, { recursive: true, force: true });
});

interface WebServer {
  url: string;
  /** By path, as it is asked for. */
  files: Map<string, Uint8Array>;
  asked: string[];
  /** Answers in place of files. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean;
  close: () => Promise<void>;
}

/** Any web server with ranges. */
async function startWebServer(): Promise<WebServer> {
  const own: WebServer = { url: '', files: new Map(), asked: [], instead: () => false, close: async () => {} };
  const server = createServer((request, response) => {
    own.asked.push(request.url!);
    if (own.instead(request, response)) return;
    const bytes = own.files.get(request.url!);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (!bytes || from === undefined) {
      response.writeHead(404).end();
      return;
    }
    const part = bytes.subarray(Number(from), Number(to) + 1);
    response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${bytes.byteLength}` }).end(part);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  own.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  own.close = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return own;
}

function serve(folder: string, files: Record<string, Uint8Array> = checkpoint): void {
  for (const [path, bytes] of Object.entries(files)) web.files.set(`${folder}/${encodeURIComponent(path)}`, bytes);
}

async function pull(torrent: MadeTorrent, options: Partial<PullTest> = {}) {
  const path = join(root, 'x.torrent');
  await writeFile(path, torrent.bytes);
  const done = await pullFine(path, { endpoint: 'http://127.0.0.1:9', root, type: 'f16', force: true, ...options });
  const record = JSON.parse(await readFile(join(done.folder, 'pixtral.json'), 'utf8')) as { original: unknown[] };
  return { ...done, record };
}

test('a folder with or without its slash; names are spelled as addresses are', async () => {
  serve(`/at/${encodeURIComponent(name)}`);
  for (const url of [`${web.url}/at/`, `${web.url}/at`]) {
    const torrent = makeTorrent(checkpoint, { name, pieceLength, webSeeds: [url] });
    assert.equal((await pull(torrent)).from, 'network');
  }
});

test('a redirect to another place', async () => {
  serve('/elsewhere');
  web.instead = ({ url }, response) => {
    const path = url!.split('/').at(-1)!;
    if (!url!.startsWith('/first/')) return false;
    response.writeHead(302, { location: `/elsewhere/${path}` }).end();
    return true;
  };
  await pull(makeTorrent(checkpoint, { name, pieceLength, webSeeds: [`${web.url}/first/`] }));
});

test('one that has nothing, or sends whole files where ranges are asked for, is left for one that does', async () => {
  serve(`/good/${encodeURIComponent(name)}`);
  web.instead = ({ url }, response) => {
    if (!url!.startsWith('/whole/')) return false;
    response.end(checkpoint[decodeURIComponent(url!.split('/').at(-1)!)]);
    return true;
  };
  const webSeeds = [`${web.url}/none/`, `${web.url}/whole/`, `${web.url}/good/`];
  await pull(makeTorrent(checkpoint, { name, pieceLength, webSeeds }));
  assert.ok(web.asked.filter((path) => path.startsWith('/none/')).length <= 3 + 3);
  assert.ok(web.asked.filter((path) => path.startsWith('/whole/')).length <= 3 + 3);
});

test('a magnet names some too: a peer that has the info alone is enough beside it', async () => {
  serve(`/${encodeURIComponent(name)}`);
  const torrent = makeTorrent(checkpoint, { name, pieceLength });
  const seeder = await startSeeder(torrent, { dropAfter: 0 });
  try {
    const magnet = `magnet:?xt=urn:btih:${torrent.infoHash}&x.pe=${seeder.name}&ws=${encodeURIComponent(web.url)}`;
    const done = await pullFine(magnet, { endpoint: 'http://127.0.0.1:9', root, type: 'f16' });
    assert.equal(done.from, 'network');
    assert.equal(seeder.sentBytes(), 0);
  } finally {
    await seeder.close();
  }
});

test('padding between files is fetched from nobody and kept by nobody', async () => {
  const padded: Record<string, Uint8Array> = {};
  for (const [path, bytes] of Object.entries(checkpoint)) {
    padded[path] = bytes;
    const rest = -bytes.byteLength & (pieceLength - 1);
    padded[`.pad/${path}`] = Buffer.alloc(rest);
  }
  serve(`/${encodeURIComponent(name)}`);
  const done = await pull(makeTorrent(padded, { name, pieceLength, webSeeds: [web.url] }), { keeps: true });
  assert.ok(web.asked.every((path) => !path.includes('pad')));
  for (const [path, bytes] of Object.entries(checkpoint)) {
    assert.deepEqual(await readFile(join(done.kept!, path)), Buffer.from(bytes), path);
  }
  await assert.rejects(readFile(join(done.kept!, '.pad', 'params.json')), { code: 'ENOENT' });
  const again = await pull(makeTorrent(padded, { name, pieceLength }), { name: 'again' });
  assert.equal(again.from, 'cache');
});

test("a torrent of one file: the address is the file's own, or its folder's", async () => {
  const file = 'consolidated.safetensors';
  const bytes = checkpoint[file]!;
  web.files.set(`/as/other-name`, bytes).set(`/in/${file}`, bytes);
  const controller = new AbortController();
  const http = await openHttp({
    env: {},
    connections: 2,
    stallMilliseconds: 1500,
    backoffMilliseconds: 1,
    rateLimit: undefined,
    userAgent: 'pixtral/test',
    onRetry: () => {},
  });
  try {
    for (const url of [`${web.url}/as/other-name`, `${web.url}/in/`]) {
      const made = makeTorrent({ [file]: bytes }, { name: file, pieceLength, webSeeds: [url] });
      const remote = await openTorrentRemote(parseTorrentFile(made.bytes, 'x'), {
        dht: false,
        http,
        signal: controller.signal,
        folder: root,
        keeps: false,
        published: [],
      });
      const range = { path: file, start: 30_000, end: 100_000 };
      assert.deepEqual(await remote.read(range, controller.signal), Buffer.from(bytes.subarray(30_000, 100_000)));
      await remote.close();
    }
  } finally {
    await http.close();
  }
});
