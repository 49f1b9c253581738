import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { systemError, writeFully } from '../../base/files.ts';

interface Range {
  path: string;
  position: number;
  length: number;
}

/** The bytes of some ranges of files that pass by once, kept on disk for later runs. */
export interface Samples {
  /** Takes what it needs of a stretch. */
  take(stretch: { path: string; start: number; bytes: Uint8Array }): void;
  /** Writes what was taken since. */
  save(): Promise<void>;
  /** sha256 of what lies before these ends of files, by path. */
  sum(ends: ReadonlyMap<string, number>): string;
  /** Bytes of one of the ranges. */
  read(path: string, range: { position: number; length: number }): Promise<Uint8Array>;
  close(): Promise<void>;
}

export async function openSamples(file: string, ranges: readonly Range[]): Promise<Samples> {
  const places = placed(ranges);
  const bytes = new Uint8Array(places.reduce((sum, { length }) => sum + length, 0));
  const handle = await openWith(file, bytes);
  let unsaved: { begin: number; end: number }[] = [];
  return {
    take({ path, start, bytes: passing }) {
      const stop = start + passing.byteLength;
      for (const range of places) {
        const from = Math.max(range.position, start);
        const to = Math.min(range.position + range.length, stop);
        if (range.path !== path || from >= to) continue;
        const begin = range.offset + from - range.position;
        bytes.set(passing.subarray(from - start, to - start), begin);
        unsaved.push({ begin, end: begin + to - from });
      }
    },
    async save() {
      const saving = unsaved;
      unsaved = [];
      for (const { begin, end } of saving) {
        await writeFully(handle, { path: file, position: begin, bytes: bytes.subarray(begin, end) });
      }
      await handle.datasync();
    },
    sum(ends) {
      const hash = createHash('sha256');
      for (const { path, position, length, offset } of places) {
        const known = Math.min(length, Math.max(0, (ends.get(path) ?? 0) - position));
        hash.update(bytes.subarray(offset, offset + known));
      }
      return hash.digest('hex');
    },
    async read(path, { position, length }) {
      const range = places.find((one) => one.path === path && one.position === position && one.length === length);
      if (!range) throw new Error(`${path}: bytes ${position} + ${length} were not sampled`);
      return bytes.subarray(range.offset, range.offset + range.length);
    },
    close: () => handle.close(),
  };
}

function placed(ranges: readonly Range[]): (Range & { offset: number })[] {
  let end = 0;
  return ranges.map((range) => ({ ...range, offset: (end += range.length) - range.length }));
}

/** Filled with what an earlier run saved. */
async function openWith(file: string, bytes: Uint8Array): Promise<FileHandle> {
  try {
    const handle = await open(file, 'r+').catch(() => open(file, 'w+'));
    await handle.read(bytes, 0, bytes.byteLength, 0);
    return handle;
  } catch (cause) {
    throw systemError(file, 'cannot write', cause);
  }
}
