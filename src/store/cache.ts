import { lstat, mkdir, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { systemError } from '../base/files.ts';
import { checkEntry, readEntry, writeEntry } from './entry-file.ts';

/** What is kept: a picture's rows after tower and adapter, or the KV state after a prompt's beginning. */
export const cacheKinds = ['image', 'prefix'] as const;
export type CacheKind = (typeof cacheKinds)[number];

export interface CacheEntry {
  kind: CacheKind;
  /** sha256 of everything that the content depends on, in hex. */
  key: string;
  path: string;
  /** Of the file. */
  bytes: number;
  /** When it was last written or read. */
  usedAt: Date;
}

export interface Swept {
  entries: number;
  bytes: number;
}

/**
 * A folder of results that are costly to compute, within a size limit: what was not used for longest goes first.
 * Whatever is not whole counts as absent and is removed. Several processes may use it at once: entries appear by
 * rename, and one that vanishes under a reader was only a result that is computed again.
 * A cache never fails a question: a full disk or a folder that cannot be written only means that nothing is kept.
 */
export interface Cache {
  /** @param maxBytes of the payload, as its reader knows: a larger one is a forgery, which must not fill the memory */
  get(kind: CacheKind, key: Buffer, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Returns whether it was kept. */
  put(kind: CacheKind, key: Buffer, payload: Uint8Array): Promise<boolean>;
  /** Whether a payload of this length would be kept. */
  accepts(byteLength: number): Promise<boolean>;
  /** Least recently used first. */
  entries(): Promise<CacheEntry[]>;
  /** Removes the least recently used until `maxBytes` are left. */
  prune(maxBytes: number): Promise<Swept>;
  /** Reads every entry and removes damaged ones. */
  verify(): Promise<{ whole: Swept; damaged: Swept }>;
}

/** Nothing larger is kept, so that one entry does not drive out all others. */
const largestShare = 0.5;
/** Of a writer that was killed. */
const abandonedAfterMilliseconds = 60 * 60 * 1000;

/** @param limit in bytes, asked for when something is to be kept: whoever only reads does not wait for it */
export function openCache({ folder, limit }: { folder: string; limit: () => Promise<number> }): Cache {
  let known: Promise<number> | undefined;
  const maxBytes = (): Promise<number> => (known ??= limit());
  const pathOf = (kind: CacheKind, key: string): string => join(folder, `${kind}-${key}`);
  const accepts = async (byteLength: number): Promise<boolean> => byteLength <= (await maxBytes()) * largestShare;
  const entries = (): Promise<CacheEntry[]> => listEntries(folder);
  const prune = async (most: number): Promise<Swept> => removeOldest(await entries(), most);
  const makeRoom = roomKeeper(entries);

  return {
    accepts,
    entries,
    prune: async (most) => {
      await removeAbandoned(folder);
      return prune(most);
    },
    async get(kind, key, most) {
      const path = pathOf(kind, key.toString('hex'));
      const found = await readEntry(path, { key, maxBytes: most });
      if (found === 'absent') return undefined;
      if (found === 'damaged') {
        await remove(path);
        return undefined;
      }
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return found;
    },
    async put(kind, key, payload) {
      try {
        if (!(await accepts(payload.byteLength))) return false;
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await makeRoom(payload.byteLength, await maxBytes());
        await writeEntry(pathOf(kind, key.toString('hex')), { key, payload });
        return true;
      } catch {
        return false;
      }
    },
    async verify() {
      const whole = { entries: 0, bytes: 0 };
      const damaged = { entries: 0, bytes: 0 };
      for (const { path, key, bytes } of await entries()) {
        const found = await checkEntry(path, Buffer.from(key, 'hex'));
        if (found === 'absent') continue;
        if (found === 'damaged') await remove(path);
        const sum = found === 'damaged' ? damaged : whole;
        sum.entries++;
        sum.bytes += bytes;
      }
      return { whole, damaged };
    },
  };
}

/** So long one listing of the folder serves, while no more than its limit has come: others write there as well. */
const listedForMilliseconds = 10_000;

/** Thousands of entries take tenths of a second to list, which not every picture of a batch can wait for. */
function roomKeeper(entries: () => Promise<CacheEntry[]>): (byteLength: number, maxBytes: number) => Promise<void> {
  let held = Infinity;
  let listedAt = 0;
  return async (byteLength, maxBytes) => {
    if (held + byteLength > maxBytes || performance.now() - listedAt > listedForMilliseconds) {
      const found = await entries();
      const swept = await removeOldest(found, maxBytes - byteLength);
      held = found.reduce((sum, { bytes }) => sum + bytes, 0) - swept.bytes;
      listedAt = performance.now();
    }
    held += byteLength;
  };
}

const entryName = new RegExp(`^(${cacheKinds.join('|')})-([0-9a-f]{64})$`);

/** Least recently used first. */
export async function listEntries(folder: string): Promise<CacheEntry[]> {
  const found: CacheEntry[] = [];
  for (const name of await namesIn(folder)) {
    const [, kindName, key] = entryName.exec(name) ?? [];
    const kind = cacheKinds.find((known) => known === kindName);
    const path = join(folder, name);
    const status = await lstat(path).catch(() => undefined); // a link is damaged, whatever it leads to
    if (kind && key !== undefined && status)
      found.push({ kind, key, path, bytes: status.size, usedAt: dateOf(status.mtimeMs) });
  }
  return found.sort((one, other) => one.usedAt.getTime() - other.usedAt.getTime());
}

/** A disk may hold times that no date can. */
function dateOf(milliseconds: number): Date {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? new Date(0) : date;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw systemError(folder, 'is no folder that can be read', thrown);
  }
}

async function removeOldest(entries: readonly CacheEntry[], maxBytes: number): Promise<Swept> {
  let left = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  const removed = { entries: 0, bytes: 0 };
  for (const { path, bytes } of entries) {
    if (left <= maxBytes) break;
    await remove(path);
    left -= bytes;
    removed.entries++;
    removed.bytes += bytes;
  }
  return removed;
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!name.endsWith('.tmp')) continue;
    const status = await lstat(join(folder, name)).catch(() => undefined);
    if (status && Date.now() - status.mtimeMs > abandonedAfterMilliseconds) await remove(join(folder, name));
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { force: true, recursive: true }).catch(() => undefined);
}
