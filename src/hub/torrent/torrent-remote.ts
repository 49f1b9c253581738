import { PixtralError } from '../../base/errors.ts';
import type { Http } from '../http.ts';
import type { Remote, RemoteRange } from '../remote.ts';
import { type Metainfo, type TorrentName, parseInfo } from './metainfo.ts';
import { type Swarm, openSwarm } from './swarm.ts';

export interface TorrentOptions {
  dht: { bootstrap: string[] | undefined } | false;
  http: Http;
  signal: AbortSignal;
}

/** Of pieces that have come and may be asked for again: neighbours share them. */
const keptBytes = 64 * 1024 * 1024;

/**
 * A torrent's files, from peers and web seeds. Every piece is checked as it comes.
 * @throws PixtralError `model` when it is not sound, `machine` when nobody sends anything
 */
export async function openTorrentRemote(torrent: TorrentName, options: TorrentOptions): Promise<Remote> {
  const { infoHash } = torrent;
  const label = torrent.name ?? infoHash;
  const swarm = await openSwarm({ infoHash, label, places: torrent, ...options });
  try {
    const metainfo = parseInfo(torrent.info ?? (await swarm.info()), label);
    if (metainfo.infoHash !== infoHash)
      throw new PixtralError('model', `${label}: a peer sent the info of another torrent`);
    swarm.begin(metainfo);
    return remoteOf(metainfo, { torrent, swarm });
  } catch (thrown) {
    swarm.close();
    throw thrown;
  }
}

function remoteOf(metainfo: Metainfo, { torrent, swarm }: { torrent: TorrentName; swarm: Swarm }): Remote {
  const { pieceLength, files } = metainfo;
  const pieces = keptPieces((index) => swarm.piece(index));
  return {
    source: magnetOf(metainfo, torrent),
    label: metainfo.name,
    name: metainfo.name,
    revision: metainfo.infoHash,
    files: files.map(({ path, byteLength }) => ({ path, byteLength, sha256: undefined, gitId: undefined })),
    async read({ path, start, end }: RemoteRange, signal) {
      const file = files.find((one) => one.path === path)!;
      const [first, last] = [file.offset + start, file.offset + end];
      const bytes = Buffer.allocUnsafeSlow(end - start);
      if (bytes.byteLength === 0) return bytes;
      const indexes = range(Math.floor(first / pieceLength), Math.ceil(last / pieceLength));
      await Promise.all(
        indexes.map(async (index) => {
          const piece = await pieces(index);
          const begin = index * pieceLength;
          const from = Math.max(first, begin);
          bytes.set(piece.subarray(from - begin, Math.min(last, begin + piece.byteLength) - begin), from - first);
        }),
      );
      signal.throwIfAborted();
      return bytes;
    },
    fetchedBytes: () => swarm.fetchedBytes(),
    close: async () => swarm.close(),
  };
}

/** The pieces that came last are kept for a while. */
function keptPieces(fetchPiece: (index: number) => Promise<Uint8Array>): (index: number) => Promise<Uint8Array> {
  const kept = new Map<number, Promise<Uint8Array>>();
  let bytes = 0;
  return (index) => {
    const known = kept.get(index);
    if (known) return known;
    const fetching = fetchPiece(index).then((piece) => {
      bytes += piece.byteLength;
      for (const [oldest, one] of kept) {
        if (bytes <= keptBytes || oldest === index) break;
        kept.delete(oldest);
        void one.then(({ byteLength }) => (bytes -= byteLength));
      }
      return piece;
    });
    kept.set(index, fetching);
    return fetching;
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Finds it again. */
function magnetOf({ infoHash, name }: Metainfo, { trackers, webSeeds }: TorrentName): string {
  const more = [
    ...trackers.map((url) => `&tr=${encodeURIComponent(url)}`),
    ...webSeeds.map((url) => `&ws=${encodeURIComponent(url)}`),
  ];
  return `magnet:?xt=urn:btih:${infoHash}&dn=${encodeURIComponent(name)}${more.join('')}`;
}
