import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import {
  bytesOnDisk,
  isThere,
  openToWrite,
  readExactly,
  systemError,
  writeFully,
  writeWhole,
} from '../../base/files.ts';
import { type Metainfo, type TorrentName, encodeTorrent, parseTorrentFile } from './metainfo.ts';
import { sha1Of } from './piece-work.ts';

/**
 * A torrent's files on the disk, as other clients keep them: `<folder>/<infohash>/<name>/...`, with
 * `<folder>/<infohash>.torrent` beside them. While some are missing, the folder is called `<infohash>.part`.
 */
export interface KeptFiles {
  /** Where the torrent's own folder or file is in the end. */
  path: string;
  /** A piece that is there and whole: its hash is right. */
  piece(index: number): Promise<Uint8Array | undefined>;
  /** A stretch of a piece that was found whole before. */
  block(range: { start: number; end: number }): Promise<Uint8Array>;
  /** What the disk has still to take. */
  missingBytes(): Promise<number>;
  write(index: number, bytes: Uint8Array): Promise<void>;
  /** Everything is there: it gets its name. */
  finish(torrent: TorrentName & { info: Uint8Array }): Promise<void>;
  close(): Promise<void>;
}

/** What is needed to seed a torrent that is kept, also when nobody else is there: its .torrent file. */
export async function keptTorrent(folder: string, infoHash: string): Promise<TorrentName | undefined> {
  const path = join(folder, `${infoHash}.torrent`);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || !(await isThere(join(folder, infoHash)))) return undefined;
  const torrent = parseTorrentFile(bytes, path);
  return torrent.infoHash === infoHash ? torrent : undefined;
}

export async function openKeptFiles(folder: string, metainfo: Metainfo): Promise<KeptFiles> {
  const { infoHash, name, pieceLength, pieceHashes, byteLength } = metainfo;
  const files = metainfo.files.filter(({ isPadding }) => !isPadding);
  const whole = join(folder, infoHash);
  const part = `${whole}.part`;
  const isSingle = metainfo.files.length === 1 && files[0]?.path === name;
  let root = (await isThere(whole)) ? whole : part;
  const handles = new Map<string, Promise<FileHandle>>();

  const placeOf = (path: string): string => join(root, ...(isSingle ? [] : [name]), ...path.split('/'));

  /** The parts of files that a stretch of the torrent covers. */
  function* stretches(start: number, end: number) {
    for (const file of files) {
      const from = Math.max(start, file.offset);
      const to = Math.min(end, file.offset + file.byteLength);
      if (from < to)
        yield { path: placeOf(file.path), position: from - file.offset, from: from - start, to: to - start };
    }
  }

  function handle(path: string, openFile: () => Promise<FileHandle>): Promise<FileHandle> {
    const known = handles.get(path);
    if (known) return known;
    const opening = openFile();
    handles.set(path, opening);
    opening.catch(() => handles.delete(path)); // it may be made later
    return opening;
  }

  async function block({ start, end }: { start: number; end: number }): Promise<Uint8Array> {
    const bytes = Buffer.alloc(end - start); // zeros where there is padding
    for (const { path, position, from, to } of stretches(start, end)) {
      const file = await handle(path, () => open(path, 'r+'));
      await readExactly(file, { path, position, length: to - from, target: bytes.subarray(from, to) });
    }
    return bytes;
  }

  async function close(): Promise<void> {
    const open = [...handles.values()];
    handles.clear();
    for (const handle of open) await (await handle).close();
  }

  return {
    path: join(whole, name),
    block,
    async piece(index) {
      const start = index * pieceLength;
      const bytes = await block({ start, end: Math.min(start + pieceLength, byteLength) }).catch(() => undefined);
      const expected = pieceHashes.subarray(index * 20, index * 20 + 20);
      return bytes !== undefined && sha1Of(bytes).equals(expected) ? bytes : undefined;
    },
    async missingBytes() {
      const wanted = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
      return Math.max(0, wanted - (await bytesOnDisk(files.map(({ path }) => placeOf(path)))));
    },
    async write(index, bytes) {
      const start = index * pieceLength;
      for (const { path, position, from, to } of stretches(start, start + bytes.byteLength)) {
        const file = await handle(path, () => openToWrite(path));
        await writeFully(file, { path, position, bytes: bytes.subarray(from, to) });
      }
    },
    async finish(torrent) {
      for (const { path, byteLength } of files) {
        const place = placeOf(path);
        if (byteLength === 0) await handle(place, () => openToWrite(place));
      }
      try {
        for (const handle of handles.values()) await (await handle).sync();
        await close();
        await writeWhole(`${whole}.torrent`, { bytes: encodeTorrent(torrent), force: true, signal: undefined });
        if (root === part) await rename(part, whole);
      } catch (cause) {
        throw cause instanceof PixtralError ? cause : systemError(whole, 'cannot write', cause);
      }
      root = whole;
    },
    close,
  };
}
