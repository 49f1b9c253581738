import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import { readExactly, systemError } from '../base/files.ts';
import { type Slice, sourceRange } from './slices.ts';

/** The shards of a checkpoint. */
export interface SourceFiles {
  /** Bytes of a file, wherever they stand. */
  readRange(path: string, range: { position: number; length: number }): Promise<Uint8Array>;
  /** A slice's bytes as they stand in the file, at the start of `target`. */
  read(slice: Slice, target: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** On a disk, each opened once. */
export function sourceFiles(): SourceFiles {
  const handles = new Map<string, Promise<FileHandle>>();

  function openOnce(path: string): Promise<FileHandle> {
    const known = handles.get(path);
    if (known !== undefined) return known;
    const opening = open(path).catch((cause: unknown) => {
      throw systemError(path, 'cannot open', cause);
    });
    handles.set(path, opening);
    return opening;
  }

  return {
    async readRange(path, range) {
      return readExactly(await openOnce(path), { path, ...range });
    },
    async read(slice, target) {
      const { path, name } = slice.tensor.source;
      const file = await openOnce(path);
      const { position, length } = sourceRange(slice);
      const bytes = target.subarray(0, length);
      try {
        return await readExactly(file, { path, position, length, target: bytes });
      } catch (cause) {
        throw errnoOf(cause) === undefined ? cause : systemError(path, `cannot read tensor ${name}`, cause);
      }
    },
    async close() {
      const settled = await Promise.allSettled(handles.values());
      for (const handle of settled) if (handle.status === 'fulfilled') await handle.value.close();
    },
  };
}
