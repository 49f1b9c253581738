import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError, errnoOf } from '../base/errors.ts';
import { writeWhole } from '../base/files.ts';

/** A server that answers this user's other commands. */
export interface Announcement {
  version: string;
  model: string;
  pid: number;
  /** Questions that it may work at. */
  atOnce: number;
  /** Its socket, or named pipe. */
  at: string;
}

/** Everything that an answer depends on but the question. */
export interface ServedModel {
  version: string;
  /** Paths of the GGUF pair. */
  model: string;
  mmproj: string;
  /** How it is computed. */
  options: Readonly<Record<string, unknown>>;
}

/** Equal for whoever would answer alike: the same files, unchanged, computed in the same way by the same version. */
export async function servedKey({ version, model, mmproj, options }: ServedModel): Promise<string> {
  const files = await Promise.all(
    [model, mmproj].map(async (path) => {
      const { size, mtimeMs, ino } = await stat(path);
      return [await realpath(path), size, mtimeMs, ino];
    }),
  );
  const facts = JSON.stringify([version, files, options]);
  return createHash('sha256').update(facts).digest('hex').slice(0, 20);
}

/** Where a server of that key may listen: on Windows by a name that nobody can guess, elsewhere in the private folder. */
export function socketPath(folder: string, key: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\pixtral-${randomBytes(16).toString('hex')}`;
  return join(folder, `${key}.sock`);
}

/** Makes the folder, which is private to the user. @throws PixtralError `machine` when others can get at it */
export async function privateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await isPrivate(folder))) {
    throw new PixtralError('machine', `${folder}: others can get at it, expected a folder of the user's own`, {
      hint: 'name another one with PIXTRAL_RUNTIME, or take it from others: chmod 700',
    });
  }
}

export async function announce(folder: string, key: string, announcement: Announcement): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(announcement));
  await writeWhole(join(folder, `${key}.json`), { bytes, force: true, signal: undefined });
}

/** Takes back what this process has announced; another's stays. */
export async function unannounce(folder: string, key: string): Promise<void> {
  const found = await findAnnouncement(folder, key);
  if (found?.pid === process.pid) await rm(join(folder, `${key}.json`), { force: true });
}

/** Of any server. */
export async function hasAnnouncements(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).some((name) => name.endsWith('.json'));
}

/** Only what stands in a folder of the user's own is believed. */
export async function findAnnouncement(folder: string, key: string): Promise<Announcement | undefined> {
  try {
    if (!(await isPrivate(folder))) return undefined;
    const text = await readFile(join(folder, `${key}.json`), 'utf8');
    const { version, model, pid, atOnce, at } = JSON.parse(text) as Announcement;
    if (typeof at !== 'string' || typeof pid !== 'number' || !(atOnce >= 1)) return undefined;
    return { version, model, pid, atOnce, at };
  } catch (thrown) {
    if (errnoOf(thrown) === undefined && !(thrown instanceof SyntaxError)) throw thrown;
    return undefined;
  }
}

async function isPrivate(folder: string): Promise<boolean> {
  const status = await lstat(folder);
  if (!status.isDirectory()) return false;
  if (process.platform === 'win32') return true; // a user's own folders are
  return status.uid === process.getuid?.() && (status.mode & 0o077) === 0;
}
