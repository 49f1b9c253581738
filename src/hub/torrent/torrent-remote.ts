import { PixtralError } from '../../base/errors.ts';
import type { Http } from '../http.ts';
import type { Remote, RemoteFile, RemoteRange } from '../remote.ts';
import { type KeptFiles, openKeptFiles } from './kept-files.ts';
import { type Metainfo, type TorrentName, parseInfo } from './metainfo.ts';
import { publishedSum } from './publications.ts';
import { type Swarm, openSwarm } from './swarm.ts';

export interface TorrentOptions {
  dht: { bootstrap: string[] | undefined } | false;
  http: Http;
  signal: AbortSignal;
  /** Where torrents are kept: what is there is not fetched. */
  folder: string;
  /** Whether what comes is kept there too. */
  keeps: boolean;
  /** The same files elsewhere, with their sums. */
  published: readonly RemoteFile[];
}

/** Of pieces that have come and may be asked for again: neighbours share them. */
const keptBytes = 64 * 1024 * 1024;

/** A remote that can be seeded from once all of it is kept. */
export interface TorrentRemote extends Remote {
  metainfo: Metainfo;
  info: Uint8Array;
  kept: KeptFiles;
}

/**
 * A torrent's files, from what is kept, from peers and web seeds. Every piece is checked as it comes.
 * @throws PixtralError `model` when it is not sound, `machine` when nobody sends anything
 */
export async function openTorrentRemote(torrent: TorrentName, options: TorrentOptions): Promise<TorrentRemote> {
  const { infoHash } = torrent;
  const label = torrent.name ?? infoHash;
  let swarm: Promise<Swarm> | undefined;
  const openedSwarm = (): Promise<Swarm> => (swarm ??= openSwarm({ infoHash, label, places: torrent, ...options }));
  try {
    const info = torrent.info ?? (await (await openedSwarm()).info());
    const metainfo = parseInfo(info, label);
    if (metainfo.infoHash !== infoHash)
      throw new PixtralError('model', `${label}: a peer sent the info of another torrent`);
    const kept = await openKeptFiles(options.folder, metainfo);
    let fetchedBytes = (): number => 0;
    const begun = once(async () => {
      const found = await openedSwarm();
      found.begin(metainfo);
      fetchedBytes = () => found.fetchedBytes();
      return found;
    });
    return {
      ...remoteOf(metainfo, {
        torrent,
        info,
        kept,
        options,
        fetchPiece: async (index) => (await begun()).piece(index),
      }),
      metainfo,
      info,
      kept,
      fetchedBytes: () => fetchedBytes(),
      close: async () => {
        await (await swarm)?.close();
        await kept.close();
      },
    };
  } catch (thrown) {
    await (await swarm)?.close();
    throw thrown;
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

interface Having {
  torrent: TorrentName;
  info: Uint8Array;
  kept: KeptFiles;
  options: TorrentOptions;
  fetchPiece: (index: number) => Promise<Uint8Array>;
}

function remoteOf(
  metainfo: Metainfo,
  { torrent, info, kept, options: { folder, keeps, published, signal }, fetchPiece }: Having,
): Omit<Remote, 'fetchedBytes' | 'close'> {
  const { pieceLength, files, byteLength } = metainfo;
  const pieces = recentPieces(async (index) => {
    const there = await kept.piece(index);
    if (there) return there;
    const bytes = await fetchPiece(index);
    if (keeps) await kept.write(index, bytes);
    return bytes;
  });
  const keep = async (index: number): Promise<void> => {
    if (!(await kept.piece(index))) await kept.write(index, await fetchPiece(index));
  };
  return {
    source: magnetOf(metainfo, torrent),
    label: metainfo.name,
    name: metainfo.name,
    revision: metainfo.infoHash,
    files: files
      .filter(({ isPadding }) => !isPadding)
      .map((file) => ({
        path: file.path,
        byteLength: file.byteLength,
        sha256: publishedSum(file, published),
        gitId: undefined,
      })),
    async read({ path, start, end }: RemoteRange, signal, target) {
      const file = files.find((one) => one.path === path)!;
      const [first, last] = [file.offset + start, file.offset + end];
      const bytes = target ?? Buffer.allocUnsafeSlow(end - start);
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
    ...(keeps && {
      missing: async () => ({ folder, bytes: await kept.missingBytes() }),
      keepAll: async (onProgress) => {
        const count = Math.ceil(byteLength / pieceLength);
        const together = Math.max(1, Math.floor(keptBytes / pieceLength));
        for (let first = 0; first < count; first += together) {
          signal.throwIfAborted();
          const end = Math.min(count, first + together);
          await Promise.all(range(first, end).map(keep));
          onProgress(Math.min(byteLength, end * pieceLength), byteLength);
        }
        await kept.finish({ ...torrent, info });
        return kept.path;
      },
    }),
  };
}

/** The pieces that came last are kept for a while. */
function recentPieces(fetchPiece: (index: number) => Promise<Uint8Array>): (index: number) => Promise<Uint8Array> {
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
