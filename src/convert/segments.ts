import type { PlannedTensor } from './plan.ts';
import { type Slice, slicesOf, sourceRange } from './slices.ts';

/** A stretch of a source file with the slices that lie in it, each whole. */
export interface Segment {
  path: string;
  /** First byte. */
  start: number;
  /** After the last byte. */
  end: number;
  slices: Slice[];
}

/**
 * Cuts source files from their start to their end into segments of about `byteLength`, so that a source that can only
 * be read once, from start to end, is converted as it comes. Every byte is in one segment: what no tensor needs counts
 * for the file's sum.
 */
export function segmentsOf(
  tensors: readonly PlannedTensor[],
  { files, byteLength }: { files: readonly { path: string; byteLength: number }[]; byteLength: number },
): Segment[] {
  const slices = slicesOf(tensors).map((slice) => ({ slice, ...sourceRange(slice) }));
  return files.flatMap((file) => {
    const own = slices
      .filter(({ slice }) => slice.tensor.source.path === file.path)
      .sort((one, other) => one.position - other.position || one.length - other.length);
    return cut(own, { file, byteLength });
  });
}

interface Placed {
  slice: Slice;
  position: number;
  length: number;
}

function cut(
  slices: readonly Placed[],
  { file: { path, byteLength: end }, byteLength }: { file: { path: string; byteLength: number }; byteLength: number },
): Segment[] {
  const segments: Segment[] = [];
  let segment: Segment = { path, start: 0, end: 0, slices: [] };
  const cutAt = (position: number): void => {
    segments.push({ ...segment, end: position });
    segment = { path, start: position, end: position, slices: [] };
  };
  /** Up to the next slice: only there, and where no slice before reaches beyond, a segment may end. */
  const fill = (position: number): void => {
    while (segment.slices.length === 0 && position - segment.start > byteLength) cutAt(segment.start + byteLength);
    if (segment.end <= position && position - segment.start >= byteLength) cutAt(position);
  };
  for (const { slice, position, length } of slices) {
    if (segment.end <= position) fill(position);
    segment.slices.push(slice);
    segment.end = Math.max(segment.end, position + length);
  }
  if (end > segment.start) {
    fill(end);
    if (end > segment.start) cutAt(end);
  }
  return segments;
}
