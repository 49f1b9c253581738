import { connect } from 'node:net';
import Wire from 'bittorrent-protocol';
import utMetadata from 'ut_metadata';
import type { RateLimit } from '../rate-limit.ts';
import { limitFrames } from './limit-frames.ts';
import { parsePeerName } from './peer-name.ts';

/** Somebody who has pieces, over one connection. Nothing is sent to anybody: we never unchoke. */
export interface Peer {
  /** `host:port` */
  name: string;
  has(piece: number): boolean;
  /** Requests that may be added now. */
  room(): number;
  request(block: { piece: number; offset: number; length: number }): Promise<Uint8Array>;
  close(): void;
}

export interface PeerEvents {
  infoHash: string;
  peerId: string;
  /** A peer that answers nothing for so long is left. */
  stallMilliseconds: number;
  rateLimit: RateLimit | undefined;
  /** What it has or grants has changed. */
  onChange: () => void;
  /** The info dictionary, which the peer was asked for; its hash is right. */
  onInfo: (info: Uint8Array) => void;
  onClose: () => void;
}

/** Of 16 KiB: what keeps a fast line busy over a tenth of a second. */
const pipeline = 128;

/** @returns undefined for what is no address */
export function connectPeer(name: string, events: PeerEvents): Peer | undefined {
  const place = parsePeerName(name);
  if (!place) return undefined;
  const socket = connect({ ...place, timeout: events.stallMilliseconds });
  const wire = new Wire('tcpOutgoing');
  const guard = limitFrames();
  let isOpen = true;
  let waiting = 0; // for the rate's limit

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    socket.destroy();
    guard.destroy();
    wire.destroy();
    events.onClose();
  }

  for (const end of ['error', 'close', 'end'] as const) socket.on(end, close);
  socket.on('timeout', () => (wire.requests.length > 0 || socket.connecting ? close() : undefined));
  for (const end of ['error', 'close', 'timeout'] as const) wire.on(end, close);
  guard.on('error', close);
  for (const change of ['bitfield', 'have', 'unchoke']) wire.on(change, events.onChange);
  wire.on('handshake', (infoHash: string) => (infoHash === events.infoHash ? wire.interested() : close()));
  wire.setTimeout(events.stallMilliseconds, true);
  wire.setKeepAlive(true);
  wire.use(utMetadata());
  const metadata = wire.ut_metadata;
  metadata?.on('metadata', () => events.onInfo((metadata as unknown as { metadata: Uint8Array }).metadata));
  metadata?.on('warning', () => undefined);
  metadata?.fetch();
  socket.once('connect', () => wire.handshake(events.infoHash, events.peerId));
  socket.pipe(guard).pipe(wire).pipe(socket);

  return {
    name,
    has: (piece) => wire.peerPieces.get(piece),
    room: () => (isOpen && !wire.peerChoking ? pipeline - wire.requests.length - waiting : 0),
    async request({ piece, offset, length }) {
      waiting++;
      try {
        await events.rateLimit?.take(length);
      } finally {
        waiting--;
      }
      return new Promise((resolve, reject) => {
        wire.request(piece, offset, length, (error, bytes) => {
          if (bytes && !error && bytes.byteLength === length) resolve(bytes);
          else reject(error ?? new Error('a block of another length'));
        });
      });
    },
    close,
  };
}
