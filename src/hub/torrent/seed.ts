import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import Wire from 'bittorrent-protocol';
import utMetadata from 'ut_metadata';
import { PixtralError, errnoOf } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';
import type { Http } from '../http.ts';
import { newPeerId, startDiscovery, usualPort } from './discovery.ts';
import type { KeptFiles } from './kept-files.ts';
import { limitFrames } from './limit-frames.ts';
import type { Metainfo, Places } from './metainfo.ts';
import { parsePeerName } from './peer-name.ts';

export interface SeedOptions {
  metainfo: Metainfo;
  info: Uint8Array;
  places: Places;
  /** All of them are there and whole. */
  kept: Pick<KeptFiles, 'block'>;
  /** To listen at; undefined: the usual ones. */
  port: number | undefined;
  dht: { bootstrap: string[] | undefined } | false;
  http: Http;
  /** When so many bytes were sent, it ends. */
  maxSentBytes: number;
  /** Ends it too. */
  signal: AbortSignal;
  onListening: (port: number) => void;
  /** Told of every block, and of peers that come and go. */
  onProgress: (progress: { sentBytes: number; peers: number }) => void;
}

const maxPeers = 40;
/** Of one peer, that wait for their turn: more than others' clients ask for. */
const maxWaiting = 2000;
/** Other clients ask for 16 KiB at a time, and refuse more than 128. */
const maxBlockBytes = 128 * 1024;
/** Honest peers say something every two minutes. */
const idleMilliseconds = 180_000;
const farewellMilliseconds = 2000;
/** Tried one after the other where none was asked for. */
const usualPorts = 9;

/**
 * Sends a torrent's pieces to whoever asks, until enough was sent or the signal fires.
 * @throws PixtralError `machine` when the port cannot be had or the files cannot be read
 */
export async function seedTorrent(options: SeedOptions): Promise<{ sentBytes: number }> {
  const { metainfo, info, kept, http, maxSentBytes, onProgress } = options;
  const { infoHash, byteLength, pieceLength } = metainfo;
  const pieces = Math.ceil(byteLength / pieceLength);
  const peerId = newPeerId();
  const sockets = new Map<Socket, string | undefined>(); // with the names of those that we connected to
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  let sentBytes = 0;
  let failure: unknown;

  function fail(thrown: unknown): void {
    failure ??= thrown;
    ending.abort();
  }

  function talk(socket: Socket, name: string | undefined): void {
    const isOurs = name !== undefined;
    const wire = new Wire(isOurs ? 'tcpOutgoing' : 'tcpIncoming');
    const guard = limitFrames();
    let waiting = 0;
    let queue = Promise.resolve();

    function close(): void {
      if (!sockets.delete(socket)) return;
      socket.destroy();
      guard.destroy();
      wire.destroy();
      onProgress({ sentBytes, peers: sockets.size });
    }

    async function answer({ piece, offset, length }: Block, respond: Respond): Promise<void> {
      await http.rateLimit?.take(length);
      if (socket.writableNeedDrain) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      if (!sockets.has(socket) || signal.aborted) return;
      const start = piece * pieceLength + offset;
      respond(null, await kept.block({ start, end: start + length }));
    }

    sockets.set(socket, name);
    socket.setTimeout(idleMilliseconds, close);
    for (const end of ['error', 'close', 'end'] as const) {
      socket.on(end, close);
      wire.on(end, close);
      guard.on(end, close);
    }
    wire.setKeepAlive(true);
    wire.use(utMetadata(info));
    wire.on('handshake', (theirs: string) => {
      if (theirs !== infoHash) return close();
      if (!isOurs) wire.handshake(infoHash, peerId);
      wire.bitfield(allPieces(pieces));
    });
    wire.on('bitfield', () => isSeed(wire, pieces) && close()); // it needs nothing
    wire.on('interested', () => wire.unchoke());
    wire.on('request', (piece: number, offset: number, length: number, respond: Respond) => {
      const end = piece * pieceLength + offset + length;
      const isSound = piece < pieces && length > 0 && length <= maxBlockBytes && offset + length <= pieceLength;
      if (!isSound || end > byteLength || ++waiting > maxWaiting) return close();
      queue = queue.then(() => answer({ piece, offset, length }, respond)).catch(fail);
      void queue.then(() => waiting--);
    });
    wire.on('upload', (length: number) => {
      sentBytes += length;
      onProgress({ sentBytes, peers: sockets.size });
      if (sentBytes >= maxSentBytes) ending.abort();
    });
    if (isOurs) socket.once('connect', () => wire.handshake(infoHash, peerId));
    socket.pipe(guard).pipe(wire).pipe(socket);
    onProgress({ sentBytes, peers: sockets.size });
  }

  function addPeer(name: string): void {
    const place = parsePeerName(name);
    if (!place || signal.aborted || sockets.size >= maxPeers || [...sockets.values()].includes(name)) return;
    talk(connect({ ...place, timeout: http.stallMilliseconds }), name);
  }

  const server = await listen(options.port, (socket) => {
    if (signal.aborted || sockets.size >= maxPeers) socket.destroy();
    else talk(socket, undefined);
  });
  const { port } = server.address() as AddressInfo;
  const discovery = await startDiscovery({
    ...options,
    infoHash,
    peerId,
    port,
    listens: true,
    left: 0,
    uploaded: () => sentBytes,
    signal,
    onPeer: addPeer,
    isLonely: () => sockets.size === 0,
  });
  try {
    options.onListening(port);
    if (!signal.aborted) await once(signal, 'abort');
    await discovery.leave();
  } finally {
    discovery.close();
    server.close();
    await letGo([...sockets.keys()], { atOnce: options.signal.aborted });
  }
  if (failure !== undefined) throw failure as Error;
  return { sentBytes };
}

/** What was sent last is to arrive, if there is time. */
async function letGo(sockets: readonly Socket[], { atOnce }: { atOnce: boolean }): Promise<void> {
  const closed = sockets.filter(({ destroyed }) => !destroyed).map((socket) => once(socket, 'close'));
  const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), atOnce ? 0 : farewellMilliseconds);
  for (const socket of sockets) socket.end();
  await Promise.allSettled(closed);
  clearTimeout(timer);
}

interface Block {
  piece: number;
  offset: number;
  length: number;
}

type Respond = (error: Error | null, bytes: Uint8Array) => void;

function allPieces(count: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(count / 8)).fill(255);
  if (count % 8 !== 0) bits[bits.length - 1] = 255 & (255 << (8 - (count % 8))); // clients refuse bits beyond the end
  return bits;
}

function isSeed(wire: Wire, pieces: number): boolean {
  for (let piece = 0; piece < pieces; piece++) if (!wire.peerPieces.get(piece)) return false;
  return true;
}

/** On every address, of both kinds where there are two. */
async function listen(port: number | undefined, onSocket: (socket: Socket) => void): Promise<Server> {
  const ports = port === undefined ? Array.from({ length: usualPorts }, (_, index) => usualPort + index) : [port];
  for (const one of ports) {
    for (const host of ['::', '0.0.0.0']) {
      const server = createServer(onSocket).listen({ port: one, host });
      try {
        await once(server, 'listening');
        server.on('error', () => undefined); // one connection less
        return server;
      } catch (cause) {
        const errno = errnoOf(cause);
        if (errno === 'EADDRINUSE') break;
        if (host === '::' && (errno === 'EAFNOSUPPORT' || errno === 'EADDRNOTAVAIL')) continue;
        throw systemError(`port ${one}`, 'cannot listen', cause);
      }
    }
  }
  throw new PixtralError('machine', `port ${ports.join(', ')}: taken by another program, expected a free one`, {
    hint: 'choose another with --seed-port',
  });
}
