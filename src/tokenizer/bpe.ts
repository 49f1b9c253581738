import type { Vocabulary } from './vocabulary.ts';

export interface Piece {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** The piece's ids are appended here. */
  out: number[];
}

/**
 * Byte-pair merging by rank, as tiktoken does it: while some two neighbours together are a token, merge the pair of
 * lowest rank, the leftmost of equals. A heap keeps this at n log n, so that one long piece cannot stall a program.
 */
export function createMerger(vocabulary: Vocabulary): (piece: Piece) => void {
  const firstId = vocabulary.controls.length;
  let work = workspace(256);

  return ({ bytes, start, end, out }) => {
    const whole = vocabulary.rank(bytes, start, end);
    if (whole >= 0) {
      out.push(whole + firstId);
      return;
    }
    const length = end - start;
    if (length > work.next.length) work = workspace(2 * length);
    mergeAll(vocabulary, { bytes, start, length, work });
    for (let part = 0; part < length; part = work.next[part]!) out.push(work.rank[part]! + firstId);
    if (length > longPiece) work = workspace(256);
  };
}

/** A workspace for a longer piece than this is not kept. */
const longPiece = 1 << 16;

/** A part is known by the offset of its first byte in the piece. */
interface Workspace {
  /** First byte of the next part; the piece's length after the last. */
  next: Int32Array;
  previous: Int32Array;
  /** Rank of the part. */
  rank: Int32Array;
  /** Rank of the part and its next together; -1 when they are no token, or the part is gone. */
  pairRank: Int32Array;
  /** Binary heap of rank * 2^32 + part; an entry is stale when its rank is no longer pairRank[part]. */
  heap: Float64Array;
}

function workspace(length: number): Workspace {
  return {
    next: new Int32Array(length),
    previous: new Int32Array(length),
    rank: new Int32Array(length),
    pairRank: new Int32Array(length),
    // at most one entry per first pair, and each merge takes one out and puts two in
    heap: new Float64Array(2 * length + 2),
  };
}

function mergeAll(
  vocabulary: Vocabulary,
  { bytes, start, length, work }: { bytes: Uint8Array; start: number; length: number; work: Workspace },
): void {
  const { next, previous, rank, pairRank, heap } = work;
  let size = 0;

  const rate = (part: number): void => {
    const second = next[part]!;
    const pair = second < length ? vocabulary.rank(bytes, start + part, start + next[second]!) : -1;
    pairRank[part] = pair;
    if (pair >= 0) size = push(heap, size, pair * 2 ** 32 + part);
  };

  for (let part = 0; part < length; part++) {
    next[part] = part + 1;
    previous[part] = part - 1;
    rank[part] = bytes[start + part]!;
  }
  for (let part = 0; part < length; part++) rate(part);

  while (size > 0) {
    const lowest = heap[0]!;
    size = pop(heap, size);
    const merged = Math.floor(lowest / 2 ** 32);
    const part = lowest - merged * 2 ** 32;
    if (pairRank[part] !== merged) continue;
    const second = next[part]!;
    const after = next[second]!;
    pairRank[second] = -1;
    next[part] = after;
    if (after < length) previous[after] = part;
    rank[part] = merged;
    rate(part);
    if (part > 0) rate(previous[part]!);
  }
}

function push(heap: Float64Array, size: number, key: number): number {
  let at = size;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= key) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = key;
  return size + 1;
}

function pop(heap: Float64Array, size: number): number {
  const last = size - 1;
  const key = heap[last]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= last) break;
    if (child + 1 < last && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= key) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = key;
  return last;
}
