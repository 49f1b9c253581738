#!/usr/bin/env bash
# Expected: a peer that announces itself to bittorrent-tracker over UDP at ::1 is named to the next one that asks there, in
# entries of 18 bytes: "the stride is 18 if the underlying UDP transport is IPv6" (BEP 15). Over HTTP it is, in peers6.
# Happens: the answer counts two peers and names none: only those of IPv4 are packed, and in entries of 6 bytes, so that
# one who reads it as it should be read gets nothing, or nonsense. bittorrent-tracker 11.2.3, seen on 28 November 2026.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent bittorrent-tracker@11.2.3
cat > probe.mjs <<'JS'
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import Server from './node_modules/bittorrent-tracker/server.js'; // its index loads WebRTC's binary

const server = new Server({ udp: true, http: false, ws: false, stats: false });
server.on('error', (error) => { throw error; });
server.listen(0);
await once(server, 'listening');
const ask = async (family, host, port, packet) => {
  const socket = createSocket(family);
  socket.send(packet, port, host);
  const [answer] = await once(socket, 'message');
  socket.close();
  return answer;
};
/** What follows the 20 bytes of an answer, and how many peers it counts. */
async function announce(family, host, port, ownPort) {
  const connect = Buffer.alloc(16);
  connect.writeBigUInt64BE(0x41727101980n);
  const connection = (await ask(family, host, port, connect)).subarray(8, 16);
  const packet = Buffer.alloc(98);
  packet.set(connection);
  packet.writeUInt32BE(1, 8);
  packet.fill(family === 'udp6' ? 6 : 4, 16, 36); // infohash
  packet.set(randomBytes(20), 36); // peer
  packet.writeUInt32BE(2, 80); // started
  packet.writeBigUInt64BE(1n, 64); // left
  packet.writeInt32BE(50, 92); // wanted
  packet.writeUInt16BE(ownPort, 96);
  const answer = await ask(family, host, port, packet);
  return { peers: answer.subarray(20).toString('hex'), counted: answer.readUInt32BE(12) + answer.readUInt32BE(16) };
}
const seen = {};
for (const [family, host, own] of [['udp4', '127.0.0.1', server.udp4], ['udp6', '::1', server.udp6]]) {
  const { port } = own.address();
  await announce(family, host, port, 7001);
  seen[family] = await announce(family, host, port, 7002);
}
const { version } = JSON.parse(readFileSync('node_modules/bittorrent-tracker/package.json', 'utf8'));
console.log('bittorrent-tracker', version, process.version, seen);
const asDescribed = seen.udp4.peers.includes('7f0000011b59') && seen.udp6.peers === '' && seen.udp6.counted === 2;
console.log(asDescribed ? 'as described' : 'this has changed');
process.exit(asDescribed ? 0 : 1);
JS
node probe.mjs
