import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { within } from '../../base/within.ts';
import { type Announcing, wantedPeers } from './announcing.ts';
import { compactPeers } from './peer-name.ts';

const udpMilliseconds = 15_000;
/** Packets get lost, on the way there or back: then the question is put again. */
const againMilliseconds = 2000;
const protocolId = 0x41727101980n;
const actions = { connect: 0, announce: 1, error: 3 } as const;
const events = { completed: 1, started: 2, stopped: 3 } as const;
/** Of answers, by the question. */
const leastBytes = { connect: 16, announce: 20 } as const;

interface Address {
  address: string;
  family: number;
}

/**
 * Peers that a tracker over UDP knows of (BEP 15). One that has addresses of both kinds is asked at both: it knows the
 * peers of either kind.
 * @throws Error with what the tracker says, or when it does not answer
 */
export async function askUdp(tracker: string, announcing: Announcing): Promise<string[]> {
  const { hostname, port } = new URL(tracker);
  const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true });
  const one = [4, 6].flatMap((kind) => found.find(({ family }) => family === kind) ?? []);
  const answers = await Promise.allSettled(one.map((address) => askAt(address, Number(port), announcing)));
  const peers = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (peers.length > 0) return peers.flat();
  throw answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []))[0]!;
}

async function askAt({ address, family }: Address, port: number, announcing: Announcing): Promise<string[]> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  socket.on('error', () => undefined); // the answer does not come then
  const signal = within(announcing.signal, udpMilliseconds);

  async function ask(action: keyof typeof leastBytes, connection: bigint, body: Buffer): Promise<Buffer> {
    const transaction = randomBytes(4);
    const packet = Buffer.concat([Buffer.alloc(16), body]);
    packet.writeBigUInt64BE(connection, 0);
    packet.writeUInt32BE(actions[action], 8);
    packet.set(transaction, 12);
    const send = (): void => socket.send(packet, port, address);
    const again = setInterval(send, againMilliseconds);
    try {
      send();
      for (;;) {
        const [answer] = (await once(socket, 'message', { signal })) as [Buffer];
        if (answer.byteLength < 8 || !answer.subarray(4, 8).equals(transaction)) continue;
        const found = answer.readUInt32BE(0);
        if (found === actions.error) throw new Error(answer.subarray(8).toString());
        if (found === actions[action] && answer.byteLength >= leastBytes[action]) return answer;
      }
    } finally {
      clearInterval(again);
    }
  }

  try {
    const connection = (await ask('connect', protocolId, Buffer.alloc(0))).readBigUInt64BE(8);
    const packed = (await ask('announce', connection, announcement(announcing))).subarray(leastBytes.announce);
    const isV6 = family === 6 && packed.byteLength % 18 === 0; // some send those of IPv4 over IPv6 too
    return compactPeers(packed, isV6 ? 16 : 4);
  } finally {
    socket.close();
  }
}

/** Without its first 16 bytes, which every packet has. */
function announcement({ infoHash, peerId, left, uploaded, event, port }: Announcing): Buffer {
  const body = Buffer.alloc(82);
  body.write(infoHash, 0, 'hex');
  body.write(peerId, 20, 'hex');
  body.writeBigUInt64BE(BigInt(left), 48);
  body.writeBigUInt64BE(BigInt(uploaded), 56);
  body.writeUInt32BE(event === undefined ? 0 : events[event], 64);
  body.set(randomBytes(4), 72);
  body.writeInt32BE(wantedPeers, 76);
  body.writeUInt16BE(port, 80);
  return body;
}
