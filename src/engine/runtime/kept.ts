import { type Hash, createHash } from 'node:crypto';
import type { CacheType } from '../../decoder/cache-types.ts';
import { cacheBytes } from '../../decoder/fit.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Native } from '../../native/native.ts';
import type { Run } from '../../prompt/encode.ts';
import type { Cache } from '../../store/cache.ts';
import { weightsFingerprint } from './fingerprint.ts';
import { runtimeMark } from './runtime-mark.ts';
import type { ModelFiles } from './model-files.ts';
import type { PictureKey } from '../pictures/picture-key.ts';

/** A prompt's beginning: some of its runs. */
export interface KeptPrefix {
  /** Ids that it covers. */
  length: number;
  state: Uint8Array;
}

/** What earlier questions have computed. Keys hold everything that a result depends on, the runtime's version included. */
export interface Kept {
  /** The longest beginning of a prompt whose KV state is there, if it is longer than `beyond` ids. */
  prefix(runs: readonly Run<Picture>[], beyond: number): Promise<KeptPrefix | undefined>;
  keepPrefix(runs: readonly Run<Picture>[], state: Uint8Array): void;
  /** A picture's rows after tower and adapter. */
  rows(picture: Picture): Promise<Float32Array | undefined>;
  /** Returns the rows as they will be read again, rounded to f16: an answer must not depend on what was kept. */
  keepRows(picture: Picture, rows: Float32Array): Promise<Float32Array>;
  accepts(byteLength: number): Promise<boolean>;
  /** Waits until all is on disk. */
  settle(): Promise<void>;
}

/** Raise it when the meaning of what is kept changes. */
const format = 1;

/** A state holds keys and values as the context does, and a few bytes for each cell: twice that is none of ours. */
const stateShare = 2;
const stateBytes = 2 ** 20;

export async function openKept(
  cache: Cache,
  {
    files,
    native,
    cacheType,
    batchSize,
    pictureKey: contentKey,
  }: { files: ModelFiles; native: Native; cacheType: CacheType; batchSize: number; pictureKey: PictureKey },
): Promise<Kept> {
  const [model, mmproj] = await Promise.all([weightsFingerprint(files.model), weightsFingerprint(files.mmproj)]);
  const runtime = `${format} ${runtimeMark(native)}\n`;
  const pictureKey = (picture: Picture): Buffer => hashOf(`image ${runtime}`, mmproj, contentKey(picture)).digest();
  const prefixes = (runs: readonly Run<Picture>[]) =>
    prefixKeys(runs, hashOf(`prefix ${runtime}${cacheType} ${batchSize}\n`, model, mmproj), pictureKey);
  const mostStateBytes = (length: number): number =>
    cacheBytes(files.decoder, length, cacheType) * stateShare + stateBytes;
  const writes = new Set<Promise<unknown>>();
  const put = (...entry: Parameters<Cache['put']>): void => {
    const writing = cache.put(...entry).finally(() => writes.delete(writing));
    writes.add(writing);
  };

  return {
    accepts: (byteLength) => cache.accepts(byteLength),
    async prefix(runs, beyond) {
      // Never all of a prompt: the last run is computed for its logits.
      for (const { key, length } of prefixes(runs.slice(0, -1)).toReversed()) {
        const state = length > beyond ? await cache.get('prefix', key, mostStateBytes(length)) : undefined;
        if (state) return { length, state };
      }
      return undefined;
    },
    keepPrefix(runs, state) {
      const last = prefixes(runs).at(-1);
      if (last) put('prefix', last.key, state);
    },
    async rows(picture) {
      const { columns, rows } = picture.grid;
      const byteLength = columns * rows * files.decoder.dim * Uint16Array.BYTES_PER_ELEMENT;
      const halves = await cache.get('image', pictureKey(picture), byteLength);
      return halves?.byteLength === byteLength ? floatsOf(halves, native) : undefined;
    },
    async keepRows(picture, rows) {
      const halves = await halvesOf(rows, native);
      const rounded = await floatsOf(halves, native);
      if (!rounded.every(Number.isFinite)) return rows; // beyond f16: never kept, so that it is the same every time
      put('image', pictureKey(picture), halves);
      return rounded;
    },
    async settle() {
      await Promise.all(writes);
    },
  };
}

/** One for the end of each run, in order. */
function prefixKeys(
  runs: readonly Run<Picture>[],
  hash: Hash,
  pictureKey: (picture: Picture) => Buffer,
): { length: number; key: Buffer }[] {
  const keys = [];
  let length = 0;
  for (const run of runs) {
    hash.update(`${run.kind} ${run.ids.length}\n`).update(Int32Array.from(run.ids));
    length += run.ids.length;
    if (run.kind === 'image') hash.update(pictureKey(run.image));
    keys.push({ length, key: hash.copy().digest() });
  }
  return keys;
}

function hashOf(...parts: readonly (string | Uint8Array)[]): Hash {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash;
}

async function halvesOf(rows: Float32Array, native: Native): Promise<Uint8Array> {
  const halves = new Uint16Array(rows.length);
  await native.ggml.fp32ToFp16Rows(rows, halves, rows.length);
  return new Uint8Array(halves.buffer);
}

async function floatsOf(halves: Uint8Array, native: Native): Promise<Float32Array> {
  const aligned = new Uint16Array(halves.slice().buffer);
  const rows = new Float32Array(aligned.length);
  await native.ggml.fp16ToFp32Rows(aligned, rows, rows.length);
  return rows;
}
