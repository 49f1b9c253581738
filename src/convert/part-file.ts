import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import { systemError, writeFully } from '../base/files.ts';
import type { GgufLayout } from '../gguf/write.ts';
import { sumsPathOf } from './part-sums.ts';

/** Where the file grows until it is whole. */
export function partOf(path: string): string {
  return `${path}.part`;
}

export interface PartFile {
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** Has the disk take what is written. */
  sync(): Promise<void>;
}

/** Opens a part to be written, or to be gone on with, and closes it whole. */
export async function writePart(
  path: string,
  { layout, resumed }: { layout: GgufLayout; resumed: boolean },
  use: (part: PartFile) => Promise<void>,
): Promise<void> {
  const partPath = partOf(path);
  const file = await openPart(partPath, resumed).catch(failed(partPath));
  const flush = flusher(file);
  const write: PartFile['write'] = async (position, bytes) => {
    await writeFully(file, { path: partPath, position, bytes });
    flush.written(bytes.byteLength);
  };
  try {
    if (!resumed) await write(0, layout.header);
    await use({ write, sync: () => file.datasync().catch(failed(partPath)) });
    await flush.done().catch(failed(partPath));
    await finish(file, partPath, layout.byteLength);
  } finally {
    await file.close();
  }
}

/** Never through a link: that would be another's file. */
function openPart(path: string, resumed: boolean): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  return open(path, O_WRONLY | (O_NOFOLLOW ?? 0) | O_CREAT | (resumed ? 0 : O_TRUNC));
}

const flushBytes = 256 * 1024 * 1024;

/** Has the disk take what is written while the next slices are made, so that little is left for the end. */
function flusher(file: FileHandle) {
  let unflushed = 0;
  let flushing: Promise<unknown> | undefined;
  let failure: unknown;
  return {
    written(byteLength: number): void {
      unflushed += byteLength;
      if (unflushed < flushBytes || flushing !== undefined) return;
      unflushed = 0;
      flushing = file
        .datasync()
        .catch((cause: unknown) => (failure ??= cause))
        .finally(() => (flushing = undefined));
    },
    /** @throws what a flush failed with: the kernel tells it only once, so that the last one may succeed */
    async done(): Promise<void> {
      await flushing;
      if (failure !== undefined) throw failure;
    },
  };
}

/** With the padding after the last tensor; on disk before it gets its name. */
async function finish(file: FileHandle, partPath: string, byteLength: number): Promise<void> {
  try {
    await file.truncate(byteLength);
    await file.sync();
  } catch (cause) {
    failed(partPath)(cause);
  }
}

/** Gives finished parts their names. */
export async function publish(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rename(partOf(path), path).catch(failed(path));
  for (const path of paths) await rm(sumsPathOf(path), { force: true });
}

export async function removeParts(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await rm(partOf(path), { force: true });
    await rm(sumsPathOf(path), { force: true });
  }
}

function failed(path: string): (cause: unknown) => never {
  return (cause) => {
    throw errnoOf(cause) === undefined ? cause : systemError(path, 'cannot write', cause);
  };
}
