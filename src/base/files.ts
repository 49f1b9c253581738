import { type FileHandle, access, rename, rm, writeFile } from 'node:fs/promises';
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

export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const hints: Record<string, string> = {
  ENOSPC: 'free some space, or write to another disk with --out',
  EACCES: 'check the permissions of the file and its folder',
  EROFS: 'the file system is read-only: write elsewhere with --out',
  EMFILE: 'raise the limit of open files (ulimit -n)',
};

/** A failed system call as a `machine` error that names the file. */
export function systemError(path: string, what: string, cause: unknown): PixtralError {
  const errno = errnoOf(cause) ?? '';
  const reason = errno === 'ENOSPC' ? 'no space left on the disk' : reasonOf(cause);
  return new PixtralError('machine', `${path}: ${what}: ${reason}`, { hint: hints[errno], cause });
}
