import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import { systemError } from '../base/files.ts';

export interface Part {
  /** Where the file shall stand. It is written beside, as `path + '.part'`. */
  path: string;
  write: (file: FileHandle, partPath: string) => Promise<void>;
}

/**
 * Writes several files that belong together, one after the other, and gives them their names when all are whole.
 * When one fails, nothing of any is left.
 */
export async function writeTogether(parts: readonly Part[]): Promise<void> {
  try {
    for (const part of parts) await writePart(part);
    for (const { path } of parts) await rename(partOf(path), path).catch(failed(path));
  } catch (thrown) {
    for (const { path } of parts) await rm(partOf(path), { force: true });
    throw thrown;
  }
}

async function writePart({ path, write }: Part): Promise<void> {
  const partPath = partOf(path);
  const file = await open(partPath, 'w').catch(failed(partPath));
  try {
    await write(file, partPath);
    await file.sync().catch(failed(partPath));
  } finally {
    await file.close();
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}

function failed(path: string): (cause: unknown) => never {
  return (cause) => {
    throw errnoOf(cause) === undefined ? cause : systemError(path, 'cannot write', cause);
  };
}
