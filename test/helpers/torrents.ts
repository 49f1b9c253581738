import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import bencode from 'bencode';
import Wire from 'bittorrent-protocol';
import utMetadata from 'ut_metadata';

/** A torrent of some files, as a .torrent file, with what a seeder needs. */
export interface MadeTorrent {
  bytes: Uint8Array;
  info: Uint8Array;
  infoHash: string;
  name: string;
  pieceLength: number;
  /** All files, one after the other. */
  content: Buffer;
}

export function makeTorrent(
  files: Record<string, Uint8Array>,
  {
    name,
    pieceLength,
    trackers = [],
    webSeeds = [],
  }: { name: string; pieceLength: number; trackers?: string[]; webSeeds?: string[] },
): MadeTorrent {
  const content = Buffer.concat(Object.values(files));
  const hashes: Buffer[] = [];
  for (let at = 0; at < content.byteLength; at += pieceLength) {
    hashes.push(
      createHash('sha1')
        .update(content.subarray(at, at + pieceLength))
        .digest(),
    );
  }
  const info = {
    files: Object.entries(files).map(([path, bytes]) => ({ length: bytes.byteLength, path: path.split('/') })),
    name,
    'piece length': pieceLength,
    pieces: Buffer.concat(hashes),
  };
  const encoded = bencode.encode(info);
  const torrent = {
    ...(trackers[0] !== undefined && { announce: trackers[0], 'announce-list': trackers.map((one) => [one]) }),
    info,
    ...(webSeeds.length > 0 && { 'url-list': webSeeds }),
  };
  return {
    bytes: bencode.encode(torrent),
    info: encoded,
    infoHash: createHash('sha1').update(encoded).digest('hex'),
    name,
    pieceLength,
    content,
  };
}

export interface Seeder {
  /** `127.0.0.1:port` */
  name: string;
  port: number;
  /** Bytes of pieces that were sent. */
  sentBytes: () => number;
  /** Bytes of pieces that were asked of us and sent by the other side: must stay nothing. */
  gotBytes: () => number;
  close: () => Promise<void>;
}

/** A peer that has everything. `wrong` changes what it sends; `dropAfter` ends connections after so many blocks. */
export async function startSeeder(
  torrent: MadeTorrent,
  { wrong = () => false, dropAfter = Infinity }: { wrong?: (piece: number) => boolean; dropAfter?: number } = {},
): Promise<Seeder> {
  let sent = 0;
  let got = 0;
  const pieces = Math.ceil(torrent.content.byteLength / torrent.pieceLength);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    const wire = new Wire('tcpIncoming');
    let blocks = 0;
    wire.on('error', () => undefined);
    wire.use(utMetadata(torrent.info));
    wire.on('handshake', () => {
      wire.handshake(torrent.infoHash, randomBytes(20).toString('hex'));
      wire.bitfield(new Uint8Array(Math.ceil(pieces / 8)).fill(255));
      wire.unchoke();
    });
    wire.on('piece', () => got++);
    wire.on(
      'request',
      (piece: number, offset: number, length: number, respond: (error: Error | null, bytes: Uint8Array) => void) => {
        if (++blocks > dropAfter) {
          socket.destroy();
          return;
        }
        const start = piece * torrent.pieceLength + offset;
        const bytes = Buffer.from(torrent.content.subarray(start, start + length));
        if (wrong(piece)) bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
        sent += bytes.byteLength;
        respond(null, bytes);
      },
    );
    socket.pipe(wire).pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    name: `127.0.0.1:${port}`,
    port,
    sentBytes: () => sent,
    gotBytes: () => got,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** A tracker over HTTP that names these peers. */
export async function startTracker(
  ports: () => number[],
): Promise<{ url: string; asked: string[]; close: () => Promise<void> }> {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    const packed = Buffer.concat(ports().map((port) => Buffer.from([127, 0, 0, 1, port >> 8, port & 255])));
    response.end(bencode.encode({ interval: 60, peers: packed }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`,
    asked,
    close: () => new Promise((done) => server.close(() => done())),
  };
}
