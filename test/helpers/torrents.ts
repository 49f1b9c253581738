import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import bencode from 'bencode';
import Wire from 'bittorrent-protocol';
import utMetadata from 'ut_metadata';

/** A torrent of some files, as a .torrent file, with what a seeder needs; those in `.pad/` are padding. */
export interface MadeTorrent {
  bytes: Uint8Array;
  info: Uint8Array;
  infoHash: string;
  name: string;
  pieceLength: number;
  /** All files, one after the other. */
  content: Buffer;
}

/** A torrent of several files; of one of its own name it is that file. */
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
  const only = files[name];
  const info = {
    ...(only ? { length: only.byteLength } : { files: listed(files) }),
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

function listed(files: Record<string, Uint8Array>) {
  return Object.entries(files).map(([path, bytes]) => ({
    length: bytes.byteLength,
    path: path.split('/'),
    ...(path.startsWith('.pad/') && { attr: 'p' }),
  }));
}

export interface Seeder {
  /** `127.0.0.1:port` or `[::1]:port` */
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
  {
    wrong = () => false,
    dropAfter = Infinity,
    host = '127.0.0.1',
  }: { wrong?: (piece: number) => boolean; dropAfter?: number; host?: '127.0.0.1' | '::1' } = {},
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
  await once(server.listen(0, host), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    name: `${host === '::1' ? '[::1]' : host}:${port}`,
    port,
    sentBytes: () => sent,
    gotBytes: () => got,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** A tracker over HTTP that names these peers, on 127.0.0.1 or ::1. */
export async function startTracker(
  ports: () => number[],
  host: '127.0.0.1' | '::1' = '127.0.0.1',
): Promise<{ url: string; asked: string[]; close: () => Promise<void> }> {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    const address = host === '::1' ? [...Buffer.alloc(15), 1] : [127, 0, 0, 1];
    const packed = Buffer.concat(ports().map((port) => Buffer.from([...address, port >> 8, port & 255])));
    response.end(bencode.encode({ interval: 60, [host === '::1' ? 'peers6' : 'peers']: packed }));
  });
  await once(server.listen(0, host), 'listening');
  return {
    url: `http://${host === '::1' ? '[::1]' : host}:${(server.address() as AddressInfo).port}/announce`,
    asked,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

export interface UdpTracker {
  url: string;
  /** What was announced, in its order. */
  announced: UdpAnnouncement[];
  /** Packets that came. */
  packets: () => number;
  close: () => Promise<void>;
}

interface UdpAnnouncement {
  infoHash: string;
  left: bigint;
  uploaded: bigint;
  event: number;
  wanted: number;
  port: number;
}

/**
 * A tracker over UDP (BEP 15) at 127.0.0.1 or ::1 that names these peers.
 * @param lost that many packets are not answered
 * @param failure what is answered to announcements in place of peers
 */
export async function startUdpTracker(
  ports: () => number[],
  { host = '127.0.0.1', lost = 0, failure }: { host?: '127.0.0.1' | '::1'; lost?: number; failure?: string } = {},
): Promise<UdpTracker> {
  const isV6 = host === '::1';
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  const announced: UdpAnnouncement[] = [];
  const connections = new Set<string>();
  let packets = 0;
  socket.on('message', (packet, { port, address }) => {
    if (++packets <= lost) return;
    const answer = answerTo(packet);
    const stranger = Buffer.concat([answer.subarray(0, 4), randomBytes(4), answer.subarray(8)]); // of another question
    for (const one of [stranger, answer.subarray(0, 7), answer]) socket.send(one, port, address);
  });

  function answerTo(packet: Buffer): Buffer {
    const transaction = packet.subarray(12, 16);
    if (packet.readUInt32BE(8) === 0) {
      if (packet.readBigUInt64BE(0) !== 0x41727101980n || packet.byteLength !== 16) return refusal('no connect');
      const connection = randomBytes(8);
      connections.add(connection.toString('hex'));
      return Buffer.concat([words(0), transaction, connection]);
    }
    if (!connections.has(packet.toString('hex', 0, 8))) return refusal('no such connection');
    if (packet.readUInt32BE(8) !== 1 || packet.byteLength !== 98) return refusal('no announcement');
    announced.push({
      infoHash: packet.toString('hex', 16, 36),
      left: packet.readBigUInt64BE(64),
      uploaded: packet.readBigUInt64BE(72),
      event: packet.readUInt32BE(80),
      wanted: packet.readInt32BE(92),
      port: packet.readUInt16BE(96),
    });
    if (failure !== undefined) return refusal(failure);
    const address = isV6 ? Buffer.from([...Buffer.alloc(15), 1]) : Buffer.from([127, 0, 0, 1]);
    const peers = ports().map((port) => Buffer.concat([address, Buffer.from([port >> 8, port & 255])]));
    return Buffer.concat([words(1), transaction, words(60, 0, 1), ...peers]);

    function refusal(reason: string): Buffer {
      return Buffer.concat([words(3), transaction, Buffer.from(reason)]);
    }
  }

  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, host, resolve);
  });
  return {
    url: `udp://${isV6 ? '[::1]' : host}:${socket.address().port}/announce`,
    announced,
    packets: () => packets,
    close: () => new Promise((done) => socket.close(done)),
  };
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
}
