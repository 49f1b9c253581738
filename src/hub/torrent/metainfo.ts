import { createHash } from 'node:crypto';
import bencode from 'bencode';
import { PixtralError } from '../../base/errors.ts';

/** What a torrent's info dictionary says. */
export interface Metainfo {
  /** In hex. */
  infoHash: string;
  name: string;
  pieceLength: number;
  /** SHA-1 of each piece, 20 bytes each. */
  pieceHashes: Buffer;
  /** In the order of their bytes. */
  files: TorrentFile[];
  byteLength: number;
}

export interface TorrentFile {
  /** Within the torrent's folder, with slashes. */
  path: string;
  /** In the torrent. */
  offset: number;
  byteLength: number;
  /** Nothing but zeros, so that the next file begins with a piece; nobody keeps it as a file (BEP 47). */
  isPadding: boolean;
}

/** Where a torrent can be had from. */
export interface Places {
  trackers: string[];
  webSeeds: string[];
  /** `host:port` */
  peers: string[];
}

export interface TorrentName extends Places {
  infoHash: string;
  /** As the magnet has it, or the info dictionary. */
  name: string | undefined;
  /** A magnet has none. */
  info: Uint8Array | undefined;
}

/** The largest torrents have some megabytes. */
export const maxTorrentBytes = 64 * 1024 * 1024;
const maxPieceLength = 64 * 1024 * 1024;
const maxFiles = 100_000;

/** A magnet link of the first version of BitTorrent (BEP 9); undefined for anything else. */
export function parseMagnet(text: string): TorrentName | undefined {
  if (!text.startsWith('magnet:?')) return undefined;
  const parameters = new URLSearchParams(text.slice('magnet:?'.length));
  const [, hex, base32] = /^urn:btih:(?:([0-9a-f]{40})|([a-z2-7]{32}))$/i.exec(parameters.get('xt') ?? '') ?? [];
  const infoHash = hex?.toLowerCase() ?? (base32 === undefined ? undefined : base32ToHex(base32));
  if (infoHash === undefined) return undefined;
  return {
    infoHash,
    name: parameters.get('dn') ?? undefined,
    info: undefined,
    trackers: parameters.getAll('tr').filter(isTracker),
    webSeeds: parameters.getAll('ws').filter(isWeb),
    peers: parameters.getAll('x.pe').filter((peer) => /^[^/]+:\d+$/.test(peer)),
  };
}

function base32ToHex(text: string): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  const bits = Array.from(text.toLowerCase(), (letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join(
    '',
  );
  return bits
    .match(/.{4}/g)!
    .map((four) => Number.parseInt(four, 2).toString(16))
    .join('');
}

const isTracker = (url: string): boolean => /^(udp|https?):\/\//.test(url);
const isWeb = (url: string): boolean => /^https?:\/\//.test(url);

/**
 * A .torrent file.
 * @throws PixtralError `model` when it is none
 */
export function parseTorrentFile(bytes: Uint8Array, where: string): TorrentName {
  const torrent = decode(bytes, where);
  if (!isDictionary(torrent['info']))
    throw new PixtralError('model', `${where}: holds no info, expected a .torrent file`);
  const info = bencode.encode(torrent['info']);
  const lists = [torrent['announce'], ...flat(torrent['announce-list'])].map(text).filter(isTracker);
  return {
    infoHash: createHash('sha1').update(info).digest('hex'),
    name: undefined,
    info,
    trackers: [...new Set(lists)],
    webSeeds: flat(torrent['url-list']).map(text).filter(isWeb),
    peers: [],
  };
}

/** The .torrent file of one whose info is known. */
export function encodeTorrent({ info, trackers, webSeeds }: TorrentName & { info: Uint8Array }): Uint8Array {
  return bencode.encode({
    ...(trackers[0] !== undefined && { announce: trackers[0], 'announce-list': trackers.map((one) => [one]) }),
    info: bencode.decode(info),
    ...(webSeeds.length > 0 && { 'url-list': webSeeds }),
  });
}

/**
 * An info dictionary, from a .torrent file or a peer.
 * @throws PixtralError `model` when it is not sound, or of the second version only
 */
export function parseInfo(bytes: Uint8Array, where: string): Metainfo {
  const info = decode(bytes, where);
  const pieceLength = count(info['piece length'], maxPieceLength, `${where}: its piece length`);
  const pieceHashes = Buffer.from(info['pieces'] instanceof Uint8Array ? info['pieces'] : []);
  const name = text(info['name']);
  if (pieceHashes.byteLength === 0) {
    throw new PixtralError(
      'model',
      `${where}: has no SHA-1 of pieces, expected a torrent of BitTorrent's first version`,
    );
  }
  const files = filesIn(info, { where, name });
  const byteLength = files.reduce((sum, file) => sum + file.byteLength, 0);
  const pieces = Math.ceil(byteLength / pieceLength);
  if (pieceHashes.byteLength !== pieces * 20 || pieces === 0) {
    throw new PixtralError(
      'model',
      `${where}: has ${pieceHashes.byteLength / 20} pieces, expected ${pieces} by its files`,
    );
  }
  const infoHash = createHash('sha1').update(bytes).digest('hex');
  return { infoHash, name: isPlain(name) ? name : infoHash, pieceLength, pieceHashes, files, byteLength };
}

function filesIn(info: Record<string, unknown>, { where, name }: { where: string; name: string }): TorrentFile[] {
  const limit = Number.MAX_SAFE_INTEGER / 2;
  const entries: unknown[] = Array.isArray(info['files'])
    ? info['files']
    : [{ length: info['length'], path: [Buffer.from(name)] }];
  if (entries.length > maxFiles)
    throw new PixtralError('model', `${where}: lists ${entries.length} files, expected a few`);
  let offset = 0;
  return entries.map((entry) => {
    const { length, path, attr } = isDictionary(entry) ? entry : {};
    const parts = flat(path).map(text);
    const byteLength = count(length, limit, `${where}: a file's length`);
    if (parts.length === 0 || !parts.every(isPlain)) {
      throw new PixtralError(
        'model',
        `${where}: a file is called ${JSON.stringify(parts.join('/'))}, expected a plain path`,
      );
    }
    offset += byteLength;
    const isPadding = text(attr).includes('p');
    return { path: parts.join('/'), offset: offset - byteLength, byteLength, isPadding };
  });
}

const isPlain = (part: string): boolean => part !== '' && part !== '.' && part !== '..' && !/[/\\\0]/.test(part);

function decode(bytes: Uint8Array, where: string): Record<string, unknown> {
  try {
    const found: unknown = bencode.decode(bytes);
    if (isDictionary(found)) return found;
  } catch {
    // said below
  }
  throw new PixtralError('model', `${where}: is not bencoded, expected a torrent`);
}

function isDictionary(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function flat(value: unknown): unknown[] {
  return Array.isArray(value) ? value.flat() : value === undefined ? [] : [value];
}

function text(value: unknown): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : '';
}

function count(value: unknown, max: number, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw new PixtralError('model', `${what} is no whole number of at most ${max}`);
}
