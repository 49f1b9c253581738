/**
 * Peers of a torrent whose messages were changed at random, beside an honest one or alone:
 *
 *   npm run attack:peers -- --count 1000 --seed 1
 *
 * With an honest peer every piece comes, and is right; without, pieces are right or the swarm ends with an error of ours.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { PixtralError } from '../../src/base/errors.ts';
import type { Http } from '../../src/hub/http.ts';
import { parseInfo } from '../../src/hub/torrent/metainfo.ts';
import { openSwarm } from '../../src/hub/torrent/swarm.ts';
import { type Random, changed } from '../fuzz/mutate.ts';
import { makeTorrent, startSeeder } from '../helpers/torrents.ts';
import { type Attempts, type Outcome, attack } from './attempts.ts';
import { oneOf } from './hostile-values.ts';

/** An honest peer on a busy machine answers sooner; the swarm waits for twenty times as long in all. */
const stallMilliseconds = 250;
const content = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 251));
const torrent = makeTorrent({ 'weights.safetensors': content }, { name: 'tiny', pieceLength: 32_768 });

await attack(import.meta.url, async (): Promise<Attempts> => {
  const honest = await startSeeder(torrent);
  let random: Random = () => 0;
  const hostile = createServer((socket) => betray(socket, honest.port, random));
  hostile.listen(0, '127.0.0.1');
  await once(hostile, 'listening');
  const hostileName = `127.0.0.1:${(hostile.address() as AddressInfo).port}`;
  return {
    async attempt(seed) {
      random = seed;
      const isAlone = seed(3) === 0;
      return outcomeOf(isAlone ? [hostileName] : [hostileName, honest.name], isAlone);
    },
    async close() {
      hostile.close();
      await honest.close();
    },
  };
});

async function outcomeOf(peers: string[], isAlone: boolean): Promise<Outcome> {
  const http = { stallMilliseconds, backoffMilliseconds: 10, rateLimit: undefined, onRetry: () => {} };
  const swarm = await openSwarm({
    infoHash: torrent.infoHash,
    label: 'tiny',
    places: { trackers: [], webSeeds: [], peers },
    dht: false,
    http: http as unknown as Http, // nobody is asked over it
    signal: new AbortController().signal,
  });
  try {
    const metainfo = parseInfo(await swarm.info(), 'tiny');
    swarm.begin(metainfo);
    const count = Math.ceil(metainfo.byteLength / metainfo.pieceLength);
    const pieces = await Promise.all(Array.from({ length: count }, (_, index) => swarm.piece(index)));
    if (Buffer.concat(pieces).equals(content)) return { answered: 1, refused: 0 };
    return { answered: 0, refused: 0, wrong: 'other bytes than the torrent has' };
  } catch (thrown) {
    const isOurs = thrown instanceof PixtralError && thrown.code === 'machine';
    const what = thrown instanceof Error ? String(thrown.stack) : String(thrown);
    return { answered: 0, refused: 1, ...(!(isOurs && isAlone) && { wrong: what }) };
  } finally {
    await swarm.close();
  }
}

/** What an honest peer says, passed on with changes. */
function betray(socket: Socket, port: number, random: Random): void {
  const source = connect(port, '127.0.0.1');
  const close = (): void => [socket, source].forEach((one) => one.destroy());
  for (const one of [socket, source]) one.on('error', close).on('close', close);
  socket.pipe(source);
  const rarely = 1 + random(12);
  source.on('data', (bytes) => {
    if (random(rarely) > 0) return void socket.write(bytes);
    if (random(12) === 0) return close();
    if (random(12) === 0) return; // as if it had stopped in the middle
    socket.write(
      random(2) === 0 ? changed(bytes, { other: content, random }) : Buffer.concat([bytes, message(random)]),
    );
  });
}

/** A message that nobody asked for, its length right more often than not. */
function message(random: Random): Buffer {
  const numbers = Array.from({ length: random(4) }, () => oneOf([0, 1, 6, 7, 0x4000, 0x7fffffff, 0xffffffff], random));
  const words = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => words.writeUInt32BE(number, 4 * index));
  const text = oneOf(
    [
      '',
      'd1:md11:ut_metadatai3ee13:metadata_sizei99999999999ee',
      'd8:msg_typei1e5:piecei0e10:total_sizei-1ee',
      'l'.repeat(3000),
    ],
    random,
  );
  const body = Buffer.concat([Buffer.from([random(24)]), words, Buffer.from(text)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(random(4) === 0 ? oneOf([0, 1, 0xffff, 0x100000, 0xffffffff], random) : body.byteLength);
  return Buffer.concat([length, body]);
}
