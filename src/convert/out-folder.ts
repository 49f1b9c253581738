import { open, realpath, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { byteSize } from '../base/byte-size.ts';
import { PixtralError, errnoOf } from '../base/errors.ts';
import { makeFolder, systemError } from '../base/files.ts';
import { lockFile } from '../native/file-lock.ts';

/**
 * Makes the folder if it is missing, and takes it away again when it was made for nothing. While `use` runs, the
 * kernel keeps other conversions out, and lets go of it however this process ends.
 * @throws PixtralError `machine` when it cannot be made or another conversion is at work there
 */
export async function inFolder<T>(folder: string, use: () => Promise<T>): Promise<T> {
  const made = await makeFolder(folder).catch((cause: unknown) => {
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

/** What is going to be written. */
export interface SpaceNeed {
  /** It may be missing yet. */
  folder: string;
  bytes: number;
  /** `the pair` */
  what: string;
}

/**
 * Refuses before anything is written what cannot fit. Needs on one disk are added up.
 * @param remedy what else can be done than freeing space
 */
export async function requireSpace(needs: readonly SpaceNeed[], remedy: string): Promise<void> {
  const disks = new Map<number, { free: number; needs: SpaceNeed[] }>();
  for (const need of needs) {
    const { device, free } = await diskOf(need.folder);
    const disk = disks.get(device) ?? { free, needs: [] };
    disks.set(device, { free, needs: [...disk.needs, need] });
  }
  for (const { free, needs } of disks.values()) {
    const bytes = needs.reduce((sum, need) => sum + need.bytes, 0);
    if (free >= bytes) continue;
    const found = `${byteSize(free)} free, expected ${byteSize(bytes)} for ${needs.map(({ what }) => what).join(' and ')}`;
    throw new PixtralError('machine', `${needs[0]!.folder}: ${found}`, {
      hint: `free ${byteSize(bytes - free)} more, or ${remedy}`,
    });
  }
}

/** Of the folder, or the nearest one above it that is there. */
async function diskOf(folder: string): Promise<{ device: number; free: number }> {
  try {
    const [{ dev: device }, { bavail, bsize }] = await Promise.all([stat(folder), statfs(folder)]);
    return { device, free: bavail * bsize };
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' && dirname(folder) !== folder) return diskOf(dirname(folder));
    throw systemError(folder, 'cannot write there', cause);
  }
}
