import { mkdir, open, realpath, rmdir, statfs } from 'node:fs/promises';
import { byteSize } from '../base/byte-size.ts';
import { PixtralError } from '../base/errors.ts';
import { systemError } from '../base/files.ts';
import { lockFile } from '../native/file-lock.ts';

/**
 * Makes the folder if it is missing, and takes it away again when it was made for nothing. While `use` runs, the
 * kernel keeps other conversions out, and lets go of it however this process ends.
 * @throws PixtralError `machine` when it cannot be made or another conversion is at work there
 */
export async function inFolder<T>(folder: string, use: () => Promise<T>): Promise<T> {
  const made = await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw systemError(folder, 'cannot write there', cause);
  });
  try {
    return await locked(folder, use);
  } catch (thrown) {
    if (made !== undefined) await rmdir(folder).catch(() => undefined); // parts or others' files may be in it
    throw thrown;
  }
}

async function locked<T>(folder: string, use: () => Promise<T>): Promise<T> {
  // Windows opens no folders; there the lock has a name of its own.
  const opened = process.platform === 'win32' ? undefined : await open(folder).catch(cannotLock(folder));
  try {
    const path = await realpath(folder).catch(cannotLock(folder));
    if ((await lockFile({ descriptor: opened?.fd ?? -1, path })) === 'taken') {
      throw new PixtralError('machine', `${folder}: another conversion is writing there`, {
        hint: 'wait until it has ended, or write elsewhere with --out',
      });
    }
    return await use();
  } finally {
    await opened?.close();
  }
}

function cannotLock(folder: string): (cause: unknown) => never {
  return (cause) => {
    throw systemError(folder, 'cannot open', cause);
  };
}

/** Refuses before anything is written when the pair cannot fit. */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    throw systemError(folder, 'cannot write there', cause);
  });
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new PixtralError('machine', `${folder}: ${byteSize(free)} free, expected ${byteSize(bytes)} for the pair`, {
    hint: 'free some space, or write to another disk with --out',
  });
}
