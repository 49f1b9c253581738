/**
 * Torrents and magnet links that were changed at random:
 *
 *   npm run attack:torrents -- --count 5000 --seed 1
 *
 * Each is an error of ours, or a torrent whose files stay in their folder and fit its pieces.
 */
import { posix } from 'node:path';
import { PixtralError } from '../../src/base/errors.ts';
import { type Metainfo, parseInfo, parseMagnet, parseTorrentFile } from '../../src/hub/torrent/metainfo.ts';
import { type Random, changed } from '../fuzz/mutate.ts';
import { makeTorrent } from '../helpers/torrents.ts';
import { type Attempts, type Outcome, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

const files = { 'params.json': Buffer.alloc(30, 'p'), 'deep/weights.safetensors': Buffer.alloc(5000, 'w') };
const places = { trackers: ['udp://t.example:80', 'http://t.example/announce'], webSeeds: ['http://w.example/'] };
const torrent = makeTorrent(files, { name: 'tiny', pieceLength: 1024, ...places });
const magnet = `magnet:?xt=urn:btih:${torrent.infoHash}&dn=tiny&tr=udp%3A%2F%2Ft.example%3A80&x.pe=127.0.0.1:1`;

await attack(import.meta.url, (): Promise<Attempts> =>
  Promise.resolve({ attempt: async (random) => attempt(random), close: async () => {} }),
);

function attempt(random: Random): Outcome {
  try {
    if (random(5) === 0) {
      const text = Buffer.from(mutant(Buffer.from(magnet), random)).toString('latin1');
      const name = parseMagnet(text);
      if (!name) return { answered: 0, refused: 1 };
      return /^[0-9a-f]{40}$/.test(name.infoHash) ? { answered: 1, refused: 0 } : wrong('a hash', name.infoHash);
    }
    const bytes = random(3) === 0 ? mutant(torrent.info, random) : undefined;
    const info = bytes ?? parseTorrentFile(mutant(torrent.bytes, random), 'it').info!;
    return outcomeOf(parseInfo(info, 'it'));
  } catch (thrown) {
    if (thrown instanceof PixtralError && thrown.code === 'model' && thrown.message.length < 1000)
      return { answered: 0, refused: 1 };
    return wrong('thrown', thrown instanceof Error ? thrown.stack : thrown);
  }
}

function mutant(bytes: Uint8Array, random: Random): Uint8Array {
  if (random(3) === 0) return Buffer.from(changed(Buffer.from(bytes), { other: Buffer.from(nested(random)), random }));
  const text = Buffer.from(bytes).toString('latin1');
  const parts = [...text.matchAll(/\d+:[\w./-]+|i\d+e/g)];
  const one = parts[random(parts.length)];
  if (!one) return bytes;
  return Buffer.from(text.slice(0, one.index) + value(random) + text.slice(one.index + one[0].length), 'latin1');
}

function value(random: Random): string {
  const texts = ['..', '../..', '/etc', '', '.', 'a/b', 'a\\b', '\0', 'con', '\u001b[2J', '__proto__', 'x'.repeat(300)];
  const numbers = ['-1', '0', '1', '9007199254740993', '99999999999999999999', '0.5', '', '-0'];
  const text = random(4) === 0 ? oneOf(hostileJson, random) : oneOf(texts, random);
  return oneOf([`${text.length}:${text}`, `i${oneOf(numbers, random)}e`, nested(random)], random);
}

function nested(random: Random): string {
  return oneOf(
    ['le', 'de', 'd1:ale1:ble', 'l'.repeat(20_000) + 'e'.repeat(20_000), 'd1:a'.repeat(5000), '99999999999:x'],
    random,
  );
}

function outcomeOf({ files: listed, byteLength, pieceLength, pieceHashes }: Metainfo): Outcome {
  let offset = 0;
  for (const file of listed) {
    const plain = posix.normalize(file.path);
    const isInside = plain === file.path && !/^(\.\.?|\/.*|\.\.\/.*)?$/.test(plain) && !/[\\\0]/.test(plain);
    if (!isInside) return wrong('a path', JSON.stringify(file.path));
    if (file.offset !== offset || !Number.isSafeInteger(file.byteLength) || file.byteLength < 0)
      return wrong('a length', JSON.stringify(file));
    offset += file.byteLength;
  }
  const fits = offset === byteLength && pieceHashes.byteLength === 20 * Math.ceil(byteLength / pieceLength);
  return fits ? { answered: 1, refused: 0 } : wrong('pieces', JSON.stringify({ byteLength, pieceLength }));
}

function wrong(what: string, found: unknown): Outcome {
  return { answered: 0, refused: 0, wrong: `${what}: ${String(found).slice(0, 1500)}` };
}
