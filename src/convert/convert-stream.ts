import { availableParallelism } from 'node:os';
import { type PartFile, publish, writePart } from './part-file.ts';
import { convertSlices } from './pipeline.ts';
import type { PlannedFile } from './plan-pair.ts';
import type { RowCodec } from './rows.ts';
import type { Segment } from './segments.ts';
import { type Slice, sourceRange, targetOffset } from './slices.ts';
import type { StreamSums } from './stream-sums.ts';

/** Segments that come in their order. */
export interface SegmentSource {
  /** A segment's bytes, when they are there. */
  get(index: number): Promise<Uint8Array>;
  /** All its slices are read. */
  release(index: number): void;
}

export interface StreamOptions {
  files: readonly PlannedFile[];
  segments: readonly Segment[];
  /** The first segment that is not converted yet; those before stand in the part files. */
  from: number;
  source: SegmentSource;
  codec: RowCodec;
  /** Told of what is written. */
  sums: Pick<StreamSums, 'add'>;
  signal: AbortSignal;
  /**
   * Told when a segment and all before it are written, and nothing beyond until it resolves; `sync` has the disk take
   * them.
   */
  onWritten: (index: number, sync: () => Promise<void>) => Promise<void>;
  onSlice: (tensor: string) => void;
  /** The headers as they are in the end: known only when everything has been read. */
  finalHeaders: () => Promise<readonly Uint8Array[]>;
}

/**
 * Converts what comes in the order of the source, once and from start to end: each slice is written where it belongs.
 * The files get their names when everything is written.
 */
export async function convertStream(options: StreamOptions): Promise<void> {
  const { files, from, finalHeaders } = options;
  await withParts(files, { resumed: from > 0 }, async (parts) => {
    await convertSegments(parts, options);
    const headers = await finalHeaders();
    for (const [index, part] of parts.entries()) await part.write(0, headers[index]!);
  });
  await publish(files.map(({ path }) => path));
}

async function withParts(
  [file, ...rest]: readonly PlannedFile[],
  { resumed }: { resumed: boolean },
  use: (parts: PartFile[]) => Promise<void>,
): Promise<void> {
  if (!file) return use([]);
  return writePart(file.path, { layout: file.layout, resumed }, (part) =>
    withParts(rest, { resumed }, (others) => use([part, ...others])),
  );
}

async function convertSegments(parts: readonly PartFile[], options: StreamOptions): Promise<void> {
  const { files, segments, from, source, codec, sums, signal, onWritten, onSlice } = options;
  const places = placesOf(files, parts);
  const left = segments.map(({ slices }) => ({ reads: slices.length, writes: slices.length }));
  const segmentOf = new Map<Slice, number>();
  const sync = async (): Promise<void> => void (await Promise.all(parts.map((part) => part.sync())));
  for (let index = from; index < segments.length; index++) {
    for (const slice of segments[index]!.slices) segmentOf.set(slice, index);
  }

  let written = from;
  async function passWritten(): Promise<void> {
    while (written < segments.length && left[written]!.writes === 0) await onWritten(written++, sync);
  }

  async function releaseEmpty(): Promise<void> {
    for (let index = from; index < segments.length; index++) {
      if (segments[index]!.slices.length > 0) continue;
      await source.get(index);
      source.release(index);
    }
  }

  const emptyOnes = releaseEmpty();
  emptyOnes.catch(() => undefined); // awaited below
  await convertSlices([...segmentOf.keys()], {
    source: {
      async read(slice, target) {
        const index = segmentOf.get(slice)!;
        const { position, length } = sourceRange(slice);
        const begin = position - segments[index]!.start;
        target.set((await source.get(index)).subarray(begin, begin + length));
        if (--left[index]!.reads === 0) source.release(index);
        return target.subarray(0, length);
      },
    },
    codec,
    threads: availableParallelism(),
    signal,
    onSlice: async (slice, bytes) => {
      const place = places.get(slice.tensor)!;
      await place.part.write(place.offset + targetOffset(slice), bytes);
      sums.add(slice, bytes);
      onSlice(slice.tensor.name);
      left[segmentOf.get(slice)!]!.writes--;
      await passWritten();
    },
  });
  await emptyOnes;
  await passWritten();
}

function placesOf(files: readonly PlannedFile[], parts: readonly PartFile[]) {
  return new Map(
    files.flatMap(({ tensors, layout }, index) =>
      tensors.map((tensor, at) => [tensor, { part: parts[index]!, offset: layout.tensors[at]!.offset }] as const),
    ),
  );
}
