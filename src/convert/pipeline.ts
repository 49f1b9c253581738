import { type RowCodec, type SliceBuffers, convertSlice } from './rows.ts';
import { type Slice, sourceRange, targetByteLength } from './slices.ts';
import type { SourceFiles } from './source-files.ts';

/**
 * Slices in work at a time beyond one a thread, some being read, one being written. With the flush that the disk is
 * busy with they are one fewer than the threads that bin/pixtral.cjs asks for: no write waits for a quantisation.
 */
const spareSlots = 4;
/** Each takes 2 to 10 MB. */
const maxSlots = 32;

export interface Pipeline {
  source: Pick<SourceFiles, 'read'> & Partial<Pick<SourceFiles, 'readFactors'>>;
  codec: RowCodec;
  threads: number;
  /** Looked at before each slice is handed over. */
  signal: AbortSignal | undefined;
  /** Receives the slices in order, one at a time; the bytes are reused after it resolves. */
  onSlice: (slice: Slice, bytes: Uint8Array) => Promise<void>;
}

/**
 * Reads, converts and hands over slices in order. Several are read and converted at the same time while one is handed
 * over, so that disk and all cores are busy; memory is bounded by the slots, whatever the model's size.
 */
export async function convertSlices(slices: readonly Slice[], pipeline: Pipeline): Promise<void> {
  const { threads, signal, onSlice } = pipeline;
  const slots = makeSlots(slices, Math.min(threads + spareSlots, maxSlots, slices.length));
  const jobs = slots.map((buffers, index) => start(slices[index], { buffers, pipeline }));
  try {
    for (const [index, slice] of slices.entries()) {
      const slot = index % slots.length;
      signal?.throwIfAborted();
      await onSlice(slice, (await jobs[slot]) ?? nothing);
      const buffers = slots[slot];
      if (buffers) jobs[slot] = start(slices[index + slots.length], { buffers, pipeline });
    }
  } finally {
    await Promise.allSettled(jobs); // native code writes into the buffers, also when another slice failed
  }
}

const nothing = new Uint8Array(0);

function start(
  slice: Slice | undefined,
  { buffers, pipeline: { source, codec } }: { buffers: SliceBuffers; pipeline: Pipeline },
): Promise<Uint8Array> {
  if (slice === undefined) return Promise.resolve(nothing);
  const job = Promise.all([source.read(slice, buffers.read), source.readFactors?.(slice)]).then(([, factors]) =>
    convertSlice(slice, buffers, { codec, factors }),
  );
  job.catch(() => undefined); // it is awaited some rounds later: not unhandled until then
  return job;
}

function makeSlots(slices: readonly Slice[], count: number): SliceBuffers[] {
  const most = (measure: (slice: Slice) => number): number =>
    slices.reduce((largest, slice) => Math.max(largest, measure(slice)), 4);
  const readBytes = most((slice) => sourceRange(slice).length);
  const weights = most(({ rows, perRow }) => rows * perRow);
  const targetBytes = Math.max(readBytes, most(targetByteLength)); // also the spare room of a permutation
  return Array.from({ length: count }, () => ({
    read: new Uint8Array(readBytes),
    floats: new Float32Array(weights),
    target: new Uint8Array(targetBytes),
  }));
}
