import { type SimdBuffers, type SimdConverter, openSimdConverter } from './simd/converter.ts';
import { type RowCodec, type SliceBuffers, convertSimdSlice, convertSlice, isForSimd } from './rows.ts';
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
  const count = Math.min(threads + spareSlots, maxSlots, slices.length);
  const simd = openSimd(slices, { count, threads });
  const slots = makeSlots(simd ? slices.filter((slice) => !isForSimd(slice)) : slices, { count, simd });
  const jobs = slots.map((slot, index) => start(slices[index], { slot, simd, pipeline }));
  try {
    for (const [index, slice] of slices.entries()) {
      const turn = index % slots.length;
      signal?.throwIfAborted();
      await onSlice(slice, (await jobs[turn]) ?? nothing);
      const slot = slots[turn];
      if (slot) jobs[turn] = start(slices[index + slots.length], { slot, simd, pipeline });
    }
  } finally {
    await Promise.allSettled(jobs); // native code writes into the buffers, also when another slice failed
    await simd?.close();
  }
}

const nothing = new Uint8Array(0);

function start(
  slice: Slice | undefined,
  { slot, simd, pipeline: { source, codec } }: { slot: Slot; simd: SimdConverter | undefined; pipeline: Pipeline },
): Promise<Uint8Array> {
  if (slice === undefined) return Promise.resolve(nothing);
  const shared = isForSimd(slice) ? slot.simd : undefined;
  const job =
    simd && shared
      ? source.read(slice, shared.read).then(() => convertSimdSlice(slice, shared, simd))
      : Promise.all([source.read(slice, slot.read), source.readFactors?.(slice)]).then(([, factors]) =>
          convertSlice(slice, slot, { codec, factors }),
        );
  job.catch(() => undefined); // it is awaited some rounds later: not unhandled until then
  return job;
}

/** Slices of one slot go through either kind of memory; what native code writes to is not shared. */
interface Slot extends SliceBuffers {
  simd: SimdBuffers | undefined;
}

/** Undefined where no slice is for it. */
function openSimd(
  slices: readonly Slice[],
  { count, threads }: { count: number; threads: number },
): SimdConverter | undefined {
  const own = slices.filter(isForSimd);
  if (own.length === 0) return undefined;
  const readBytes = largest(own, (slice) => sourceRange(slice).length);
  // A permutation needs a head's room there.
  const targetBytes = largest(own, (slice) =>
    Math.max(targetByteLength(slice), slice.tensor.source.permuteHeads === undefined ? 0 : sourceRange(slice).length),
  );
  return openSimdConverter({ slots: count, threads: Math.min(threads, count), readBytes, targetBytes });
}

function largest(slices: readonly Slice[], measure: (slice: Slice) => number): number {
  return slices.reduce((most, slice) => Math.max(most, measure(slice)), 4);
}

function makeSlots(
  slices: readonly Slice[],
  { count, simd }: { count: number; simd: SimdConverter | undefined },
): Slot[] {
  const most = (measure: (slice: Slice) => number): number => largest(slices, measure);
  const readBytes = most((slice) => sourceRange(slice).length);
  const weights = most(({ rows, perRow }) => rows * perRow);
  const targetBytes = Math.max(readBytes, most(targetByteLength)); // also the spare room of a permutation
  return Array.from({ length: count }, (_, slot) => ({
    read: new Uint8Array(readBytes),
    floats: new Float32Array(weights),
    target: new Uint8Array(targetBytes),
    simd: simd?.buffers[slot],
  }));
}
