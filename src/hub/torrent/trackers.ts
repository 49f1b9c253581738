import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import bencode from 'bencode';
import { within } from '../../base/within.ts';
import type { Http } from '../http.ts';

export interface Announcing {
  infoHash: string;
  /** 20 bytes in hex. */
  peerId: string;
  /** Where others may connect to; trackers want to hear one from those who do not listen too. */
  port: number;
  /** Bytes that are still wanted. */
  left: number;
  /** Bytes that were sent to others. */
  uploaded: number;
  /** What has happened since the last time, if anything. */
  event: keyof typeof events | undefined;
  http: Http;
  signal: AbortSignal;
}

/** Of an answer: no tracker sends more than some hundred peers. */
const maxAnswerBytes = 1024 * 1024;
const events = { completed: 1, started: 2, stopped: 3 } as const;
const wanted = 100;
const udpMilliseconds = 8000;

/** Peers (`host:port`) that a tracker knows of (BEP 3, 23, 7, 15). */
export function askTracker(tracker: string, announcing: Announcing): Promise<string[]> {
  return tracker.startsWith('udp:') ? askUdp(new URL(tracker), announcing) : askHttp(tracker, announcing);
}

async function askHttp(tracker: string, announcing: Announcing): Promise<string[]> {
  const { infoHash, peerId, port, left, uploaded, event, http, signal } = announcing;
  const bytes = (hex: string): string => hex.replaceAll(/../g, '%$&');
  const query = `info_hash=${bytes(infoHash)}&peer_id=${bytes(peerId)}&port=${port}&uploaded=${uploaded}&downloaded=0&left=${left}&compact=1&numwant=${wanted}${event === undefined ? '' : `&event=${event}`}`;
  const url = new URL(`${tracker}${tracker.includes('?') ? '&' : '?'}${query}`);
  const response = await http.request(url, { method: 'GET', headers: {}, secret: undefined, follow: true, signal });
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response.body as AsyncIterable<Buffer>) {
    length += part.byteLength;
    if (length > maxAnswerBytes) throw new Error('too long an answer');
    parts.push(part);
  }
  const { peers, peers6 } = bencode.decode(Buffer.concat(parts)) as Record<string, unknown>;
  const listed = Array.isArray(peers) ? peers.flatMap(namedPeer) : compactPeers(peers, 4);
  return [...listed, ...compactPeers(peers6, 16)];
}

function namedPeer(peer: unknown): string[] {
  const { ip, port } = peer as { ip?: Uint8Array; port?: number };
  return ip instanceof Uint8Array && typeof port === 'number' ? [peerName(Buffer.from(ip).toString(), port)] : [];
}

/** Addresses of 4 or 16 bytes, each with a port of two. */
export function compactPeers(packed: unknown, addressBytes: 4 | 16): string[] {
  if (!(packed instanceof Uint8Array)) return [];
  const bytes = Buffer.from(packed);
  const size = addressBytes + 2;
  return Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, index) => {
    const at = bytes.subarray(index * size, (index + 1) * size);
    const words = Array.from({ length: 8 }, (_, word) =>
      addressBytes === 16 ? at.readUInt16BE(word * 2).toString(16) : '',
    );
    const address = addressBytes === 4 ? [...at.subarray(0, 4)].join('.') : words.join(':');
    return peerName(address, at.readUInt16BE(addressBytes));
  });
}

export function peerName(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** As `peerName` makes it; a name of a host serves too. */
export function parsePeerName(name: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(name) ?? [];
  const host = bracketed ?? plain;
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return host !== undefined && isPort ? { host, port: Number(port) } : undefined;
}

const protocolId = 0x41727101980n;
const actions = { connect: 0, announce: 1 } as const;

async function askUdp(
  tracker: URL,
  { infoHash, peerId, port, left, uploaded, event, signal }: Announcing,
): Promise<string[]> {
  const { lookup } = await import('node:dns/promises');
  const { address, family } = await lookup(tracker.hostname.replace(/^\[|\]$/g, ''));
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  socket.on('error', () => undefined); // the answer does not come then
  const timely = within(signal, udpMilliseconds);

  async function ask(action: number, head: bigint, body: Buffer): Promise<Buffer> {
    const packet = Buffer.alloc(16 + body.byteLength);
    const transaction = randomBytes(4);
    packet.writeBigUInt64BE(head, 0);
    packet.writeUInt32BE(action, 8);
    packet.set(transaction, 12);
    packet.set(body, 16);
    socket.send(packet, Number(tracker.port), address);
    for (;;) {
      const [answer] = (await once(socket, 'message', { signal: timely })) as [Buffer];
      if (answer.byteLength >= 16 && answer.readUInt32BE(0) === action && answer.subarray(4, 8).equals(transaction))
        return answer;
    }
  }

  try {
    const connection = (await ask(actions.connect, protocolId, Buffer.alloc(0))).readBigUInt64BE(8);
    const body = Buffer.alloc(82);
    body.write(infoHash, 0, 'hex');
    body.write(peerId, 20, 'hex');
    body.writeBigUInt64BE(BigInt(left), 48);
    body.writeBigUInt64BE(BigInt(uploaded), 56);
    body.writeUInt32BE(event === undefined ? 0 : events[event], 64);
    body.set(randomBytes(4), 72);
    body.writeUInt32BE(wanted, 76);
    body.writeUInt16BE(port, 80);
    const answer = await ask(actions.announce, connection, body);
    return compactPeers(answer.subarray(20), family === 6 ? 16 : 4);
  } finally {
    socket.close();
  }
}
