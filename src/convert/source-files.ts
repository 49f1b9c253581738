import { type FileHandle, open } from 'node:fs/promises';
import { PixtralError, errnoOf } from '../base/errors.ts';
import { readExactly, systemError } from '../base/files.ts';
import { floatsOf } from '../weights/floats.ts';
import type { LowRank, StoredFloats } from '../weights/types.ts';
import type { Factors } from './low-rank.ts';
import { type Slice, sourceRange } from './slices.ts';

/** Tensors that slices in work may belong to; the factors of one take some megabytes. */
const factorsKept = 4;

/** The shards of a checkpoint. */
export interface SourceFiles {
  /** Bytes of a file, wherever they stand. */
  readRange(path: string, range: { position: number; length: number }): Promise<Uint8Array>;
  /** A slice's bytes as they stand in the file, at the start of `target`. */
  read(slice: Slice, target: Uint8Array): Promise<Uint8Array>;
  /** The two factors of what is added to a slice's tensor, if anything is. */
  readFactors(slice: Slice): Promise<Factors | undefined>;
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

  const factors = new Map<LowRank, Promise<Factors>>();

  async function readFloats({ path, dtype, offset, byteLength }: StoredFloats): Promise<Float32Array> {
    return floatsOf[dtype]!(await readExactly(await openOnce(path), { path, position: offset, length: byteLength }));
  }

  async function factorsOf(lowRank: LowRank): Promise<Factors> {
    const [a, b] = await Promise.all([readFloats(lowRank.a), readFloats(lowRank.b)]);
    for (const [values, { path, name }] of [
      [a, lowRank.a],
      [b, lowRank.b],
    ] as const) {
      if (values.every(Number.isFinite)) continue;
      throw new PixtralError('model', `${path}: tensor ${name}: holds NaN or infinity, expected finite weights`);
    }
    return { a, b };
  }

  return {
    async readRange(path, range) {
      return readExactly(await openOnce(path), { path, ...range });
    },
    async readFactors({ tensor: { source } }) {
      const { lowRank } = source;
      if (lowRank === undefined) return undefined;
      const known = factors.get(lowRank);
      if (known) return known;
      const reading = factorsOf(lowRank);
      factors.set(lowRank, reading);
      const [oldest] = factors.keys();
      if (factors.size > factorsKept) factors.delete(oldest!);
      return reading;
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
