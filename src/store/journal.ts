import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PixtralError, errnoOf } from '../base/errors.ts';
import { systemError, writeFully } from '../base/files.ts';
import { readLines } from '../base/lines.ts';
import { lockFile } from '../native/file-lock.ts';

/** What a journal's reader makes of one of its lines; undefined: it is none of ours. */
export type ReadEntry<E> = (line: string) => E | undefined;

export interface Journal {
  /** A line that was cut off, because its writer was killed within it. */
  repaired: boolean;
  /** The disk knows no locks: another process would not be noticed. */
  unlocked: boolean;
  /** Writes one line; on disk when it resolves. */
  append(line: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * A file of lines that only grows, for one process at a time. What was killed within its last line loses that line only.
 * @param onEntry is given every whole line that is there
 * @throws PixtralError `usage` when another process writes to it, or it holds lines that are not ours
 */
export async function openJournal<E>(
  path: string,
  { readEntry, beginsLikeEntry, onEntry, entryName }: JournalReader<E>,
): Promise<Journal> {
  const file = await openFile(path);
  try {
    const state = await lockFile({ descriptor: file.fd, path: await realpath(path) });
    if (state === 'taken') {
      throw new PixtralError('usage', `${path}: another process is writing to it`, {
        hint: 'wait for it, or give each process an -o of its own (--shard i/n divides the records)',
      });
    }
    const { length, torn } = await readAll(file, { path, readEntry, beginsLikeEntry, onEntry, entryName });
    if (torn) await file.truncate(length);
    await syncFolder(dirname(path));
    return journal(file, { path, length, torn, unlocked: state === 'unsupported' });
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

interface JournalReader<E> {
  readEntry: ReadEntry<E>;
  /** Whether a line that ends early could have become an entry. */
  beginsLikeEntry: (part: string) => boolean;
  onEntry: (entry: E) => void;
  /** For messages: `answer of pixtral batch`. */
  entryName: string;
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Not O_APPEND: every write says its place, behind the last whole line.
    const file = await open(path, 'r+').catch((thrown: unknown) => {
      if (errnoOf(thrown) === 'ENOENT') return open(path, 'wx+');
      throw thrown;
    });
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (cause) {
    // Two processes at once: the other one made it, and has the lock or will ask for it.
    if (errnoOf(cause) === 'EEXIST') return openFile(path);
    throw systemError(path, 'cannot be opened', cause);
  }
  throw new PixtralError('usage', `${path}: is no regular file, expected one to go on from`, {
    hint: 'without -o the lines go to standard output',
  });
}

/** Where the last whole line ends. */
async function readAll<E>(
  file: FileHandle,
  { path, readEntry, beginsLikeEntry, onEntry, entryName }: JournalReader<E> & { path: string },
): Promise<{ length: number; torn: boolean }> {
  let length = 0;
  let number = 0;
  for await (const { bytes, ended } of readLines(file.createReadStream({ start: 0, autoClose: false }))) {
    number++;
    const text = new TextDecoder().decode(bytes);
    const entry = ended ? readEntry(text) : undefined;
    if (entry !== undefined) onEntry(entry);
    else if (ended || !beginsLikeEntry(text)) throw foreign(`${path}, line ${number}`, entryName);
    else return { length, torn: true };
    length += bytes.byteLength + 1;
  }
  return { length, torn: false };
}

/** Anything else that happens to have this name must not be written to, and its last line not be cut. */
function foreign(where: string, entryName: string): PixtralError {
  return new PixtralError('usage', `${where}: is no ${entryName}, expected only such lines`, {
    hint: 'give -o a new name, or one that an earlier run of the same command wrote',
  });
}

/** A new file's name is on disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // has no such call
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function journal(
  file: FileHandle,
  { path, length, torn, unlocked }: { path: string; length: number; torn: boolean; unlocked: boolean },
): Journal {
  let position = length;
  return {
    repaired: torn,
    unlocked,
    async append(line) {
      await checkThere(file, { path, length: position });
      const bytes = Buffer.from(`${line}\n`);
      await writeFully(file, { path, position, bytes });
      await file.datasync().catch((cause: unknown) => {
        throw systemError(path, 'cannot write', cause);
      });
      position += bytes.byteLength;
    },
    async close() {
      try {
        await checkThere(file, { path, length: position });
      } finally {
        await file.close();
      }
    },
  };
}

/** A file that was removed or replaced takes lines that nobody will ever see. @throws PixtralError `machine` */
async function checkThere(file: FileHandle, { path, length }: { path: string; length: number }): Promise<void> {
  const [ours, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  if (named && named.ino === ours.ino && named.dev === ours.dev && ours.size === length) return;
  const what = named ? 'was replaced or changed by another program' : 'was removed or renamed';
  throw new PixtralError('machine', `${path}: ${what} while it was written to`, {
    hint: 'its lines may be lost: put it back if you can; the same command does what is not in it',
  });
}
