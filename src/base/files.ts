import { constants } from 'node:fs';
import { type FileHandle, access, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from './errors.ts';

/** Reads exactly `length` bytes at `position` into a new buffer, or into `target`. */
export async function readExactly(
  file: FileHandle,
  { path, position, length, target }: { path: string; position: number; length: number; target?: Uint8Array },
): Promise<Uint8Array> {
  const bytes = target ?? new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) {
      throw new PixtralError('model', `${path}: ends at byte ${position + done}, expected ${length - done} more`, {
        hint: 'the file is cut short: copy or download it again',
      });
    }
    done += bytesRead;
  }
  return bytes;
}

/** Writes all of `bytes` at `position`. A full disk is a machine error. */
export async function writeFully(
  file: FileHandle,
  { path, position, bytes }: { path: string; position: number; bytes: Uint8Array },
): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    try {
      const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
      done += bytesWritten;
    } catch (cause) {
      throw systemError(path, 'cannot write', cause);
    }
  }
}

/**
 * Writes a file that is there whole or not at all.
 * @throws PixtralError `usage` for a file that is there already, unless it may be replaced
 */
export async function writeWhole(
  path: string,
  { bytes, force, signal }: { bytes: Uint8Array; force: boolean; signal: AbortSignal | undefined },
): Promise<void> {
  if (!force && (await isThere(path))) {
    throw new PixtralError('usage', `${path}: is there already`, { hint: 'use --force to replace it' });
  }
  const part = `${path}.part`;
  try {
    await writeFile(part, bytes, { signal });
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    signal?.throwIfAborted();
    throw systemError(path, 'cannot write', cause);
  }
}

/**
 * A folder with those above it. What Node says where the disk is read-only is that the folder is missing.
 * @returns the first that was made, if any was
 */
export async function makeFolder(path: string, mode?: number): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, ...(mode !== undefined && { mode }) });
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') await access(await nearestThere(path), constants.W_OK);
    throw cause;
  }
}

async function nearestThere(path: string): Promise<string> {
  return (await isThere(path)) || dirname(path) === path ? path : nearestThere(dirname(path));
}

/** Opens a file to write anywhere in it, with its folders, as it is or new. */
export async function openToWrite(path: string): Promise<FileHandle> {
  try {
    await makeFolder(dirname(path));
    return await open(path, 'r+').catch(() => open(path, 'w+'));
  } catch (cause) {
    throw systemError(path, 'cannot write', cause);
  }
}

/** What files take of the disk, holes left out; a file that is not there takes nothing. */
export async function bytesOnDisk(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ blocks, size }) => Math.min(blocks * 512, size),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const hints: Record<string, string> = {
  ENOSPC: 'free some space, or write to another disk with --out',
  EDQUOT: 'free some space, or write to another disk with --out',
  EFBIG: 'write where files may be as large: this file system, or ulimit -f, does not let it grow further',
  EACCES: 'check the permissions of the file and its folder',
  EROFS: 'the file system is read-only: write elsewhere with --out',
  EMFILE: 'raise the limit of open files (ulimit -n)',
};

const reasons: Record<string, string> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'your share of the disk is used up',
  EFBIG: 'no file may be so large here',
};

/** Whether something failed because no more can be written, by itself or as the cause of an error. */
export function isFull(thrown: unknown): boolean {
  const { cause } = thrown instanceof Error ? thrown : {};
  return [thrown, cause].some((one) => (errnoOf(one) ?? '') in reasons);
}

/** A failed system call as a `machine` error that names the file. */
export function systemError(path: string, what: string, cause: unknown): PixtralError {
  const errno = errnoOf(cause) ?? '';
  const reason = reasons[errno] ?? reasonOf(cause);
  return new PixtralError('machine', `${path}: ${what}: ${reason}`, { hint: hints[errno], cause });
}
