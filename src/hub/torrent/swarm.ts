import { deferred } from '../../base/deferred.ts';
import { PixtralError } from '../../base/errors.ts';
import { fetchRange } from '../fetch-range.ts';
import type { Http } from '../http.ts';
import { newPeerId, startDiscovery, usualPort } from './discovery.ts';
import type { Metainfo, Places } from './metainfo.ts';
import { type Peer, connectPeer } from './peer.ts';
import { type PieceWork, pieceWork, sha1Of } from './piece-work.ts';

export interface SwarmOptions {
  infoHash: string;
  /** For messages. */
  label: string;
  places: Places;
  dht: { bootstrap: string[] | undefined } | false;
  http: Http;
  signal: AbortSignal;
}

/** Peers and web seeds of one torrent. Nothing is uploaded. */
export interface Swarm {
  /** The info dictionary, from a peer; its hash is right. */
  info(): Promise<Uint8Array>;
  /** From here on pieces can be asked for. */
  begin(metainfo: Metainfo): void;
  /** A piece whose hash is right. */
  piece(index: number): Promise<Uint8Array>;
  fetchedBytes(): number;
  close(): Promise<void>;
}

const maxPeers = 40;
/** Pieces at a time from one web seed. */
const seedPieces = 3;
/** A web seed that fails so often in a row is left. */
const seedFailures = 3;
/** In stalls: how long nothing at all may come before the pull gives up. */
const patience = 20;

interface Wanted extends PieceWork {
  resolve: (bytes: Uint8Array) => void;
  promise: Promise<Uint8Array>;
  /** The only peer that may be asked, to find out who sends what is wrong. */
  only: string | undefined;
  suspects: string[];
}

export async function openSwarm(options: SwarmOptions): Promise<Swarm> {
  const { infoHash, places, http, label } = options;
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const peerId = newPeerId();
  const peers = new Map<string, Peer>();
  const banned = new Set<string>();
  const wanted = new Map<number, Wanted>();
  const seeds = places.webSeeds.map((url) => ({ url, active: 0, failures: 0 }));
  const failing = deferred<never>();
  const info = deferred<Uint8Array>();
  let metainfo: Metainfo | undefined;
  let fetched = 0;
  let lastCame = Date.now();

  const discovery = await startDiscovery({
    infoHash,
    peerId,
    places,
    dht: options.dht,
    port: usualPort,
    listens: false,
    left: 1,
    uploaded: () => 0,
    http,
    signal,
    onPeer: addPeer,
    isLonely: () => peers.size === 0,
  });
  const watch = setInterval(tick, Math.min(1000, http.stallMilliseconds));
  options.signal.addEventListener('abort', () => failing.reject(options.signal.reason), { signal: closing.signal });

  function tick(): void {
    update();
    const isIdle = metainfo !== undefined && wanted.size === 0;
    if (isIdle) lastCame = Date.now();
    if (Date.now() - lastCame < patience * http.stallMilliseconds) return;
    failing.reject(
      new PixtralError(
        'machine',
        `${label}: nothing has come for ${Math.round((patience * http.stallMilliseconds) / 1000)} seconds, from ${peers.size} peers`,
        { hint: ['check the network, or try later; the same command goes on from here', ...refusals()].join('; ') },
      ),
    );
  }

  /** Where nobody was found, trackers may have said why. */
  function refusals(): string[] {
    if (peers.size > 0) return [];
    return [...discovery.troubles()].map(([tracker, reason]) => `${tracker}: ${reason.slice(0, 100)}`);
  }

  function addPeer(name: string): void {
    if (signal.aborted || peers.size >= maxPeers || peers.has(name) || banned.has(name)) return;
    const peer = connectPeer(name, {
      infoHash,
      peerId,
      stallMilliseconds: http.stallMilliseconds,
      rateLimit: http.rateLimit,
      onChange: update,
      onInfo: info.resolve,
      onClose: () => {
        if (peers.get(name) === peer) peers.delete(name);
        for (const piece of wanted.values()) if (piece.only === name) nextSuspect(piece);
        queueMicrotask(update);
      },
    });
    if (peer) peers.set(name, peer);
  }

  function update(): void {
    if (metainfo === undefined || signal.aborted) return;
    for (const seed of seeds) feedSeed(seed);
    for (const peer of peers.values()) feedPeer(peer);
  }

  function feedPeer(peer: Peer): void {
    const now = Date.now();
    for (const piece of wanted.values()) {
      if (!peer.has(piece.index) || (piece.only !== undefined && piece.only !== peer.name)) continue;
      for (; peer.room() > 0;) {
        const block = piece.next(peer.name, now);
        if (!block) break;
        piece.asked(block.offset, peer.name, now);
        void askPeer(peer, { piece, ...block });
      }
      if (peer.room() <= 0) return;
    }
  }

  async function askPeer(
    peer: Peer,
    { piece, offset, length }: { piece: Wanted; offset: number; length: number },
  ): Promise<void> {
    try {
      const bytes = await peer.request({ piece: piece.index, offset, length });
      fetched += length;
      lastCame = Date.now();
      if (wanted.get(piece.index) === piece && piece.came(offset, peer.name, bytes)) finish(piece);
    } catch {
      piece.failed(offset, peer.name);
    }
    queueMicrotask(update);
  }

  function feedSeed(seed: (typeof seeds)[number]): void {
    for (const piece of wanted.values()) {
      if (seed.active >= seedPieces || seed.failures >= seedFailures) return;
      if (piece.only !== undefined || !piece.isUntouched()) continue;
      void askSeed(seed, piece);
    }
  }

  async function askSeed(seed: (typeof seeds)[number], piece: Wanted): Promise<void> {
    seed.active++;
    piece.asked(0, seed.url, Number.MAX_SAFE_INTEGER); // peers may take the other blocks meanwhile
    try {
      const bytes = await seedPiece(seed.url, piece);
      lastCame = Date.now();
      seed.failures = 0;
      if (wanted.get(piece.index) !== piece) return;
      if (sha1Of(bytes).equals(hashOf(piece.index))) done(piece, bytes);
      else seed.failures = seedFailures;
    } catch {
      seed.failures++;
    } finally {
      seed.active--;
      piece.failed(0, seed.url);
      queueMicrotask(update);
    }
  }

  /** The parts of a piece's files, put together. */
  async function seedPiece(url: string, { index, length }: Wanted): Promise<Uint8Array> {
    const begin = index * metainfo!.pieceLength;
    const parts: Uint8Array[] = [];
    for (const file of metainfo!.files) {
      const start = Math.max(begin, file.offset);
      const end = Math.min(begin + length, file.offset + file.byteLength);
      if (start >= end) continue;
      if (file.isPadding) {
        parts.push(Buffer.alloc(end - start));
        continue;
      }
      const address = seedAddress(url, metainfo!, file.path);
      const bytes = await fetchRange({
        where: address.href,
        range: { path: file.path, start: start - file.offset, end: end - file.offset },
        byteLength: file.byteLength,
        http,
        signal,
        ask: (headers, signal) =>
          http.request(address, { method: 'GET', headers, secret: undefined, follow: true, signal }),
        onBytes: (byteLength) => (fetched += byteLength),
      });
      parts.push(bytes);
    }
    return Buffer.concat(parts);
  }

  function hashOf(index: number): Buffer {
    return metainfo!.pieceHashes.subarray(index * 20, index * 20 + 20);
  }

  function finish(piece: Wanted): void {
    if (sha1Of(piece.bytes()).equals(hashOf(piece.index))) return done(piece, piece.bytes());
    const contributors = piece.contributors();
    piece.restart();
    if (contributors.length === 1) ban(contributors[0]!);
    piece.suspects = contributors.length === 1 ? piece.suspects : contributors;
    nextSuspect(piece);
  }

  function done(piece: Wanted, bytes: Uint8Array): void {
    wanted.delete(piece.index);
    piece.resolve(bytes);
  }

  function nextSuspect(piece: Wanted): void {
    piece.only = piece.suspects.shift();
    while (piece.only !== undefined && !peers.has(piece.only)) piece.only = piece.suspects.shift();
  }

  /** Who sends what is wrong is not asked again. */
  function ban(name: string): void {
    banned.add(name);
    peers.get(name)?.close();
  }

  return {
    info: () => Promise.race([info.promise, failing.promise]),
    begin(found) {
      metainfo = found;
      update();
    },
    piece(index) {
      const known = wanted.get(index);
      if (known) return Promise.race([known.promise, failing.promise]);
      const length = Math.min(metainfo!.pieceLength, metainfo!.byteLength - index * metainfo!.pieceLength);
      const { promise, resolve } = deferred<Uint8Array>();
      wanted.set(index, { ...pieceWork(index, length), promise, resolve, only: undefined, suspects: [] });
      queueMicrotask(update);
      return Promise.race([promise, failing.promise]);
    },
    fetchedBytes: () => fetched,
    async close() {
      closing.abort(new Error('closed'));
      clearInterval(watch);
      for (const peer of peers.values()) peer.close();
      await discovery.leave();
      discovery.close();
    },
  };
}

/** BEP 19: a folder's address ends with a slash; else it is the file itself. */
function seedAddress(url: string, { name, files }: Metainfo, path: string): URL {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  if (files.length === 1 && files[0]!.path === name) return new URL(url.endsWith('/') ? `${url}${encoded}` : url);
  return new URL(`${url.replace(/\/?$/, '/')}${encodeURIComponent(name)}/${encoded}`);
}
