import type { Batch, DecoderContext } from './context.ts';
import { evenCount } from './even-call.ts';
import type { Sequence } from './sequence.ts';

/** What a common call appends to a sequence. */
export interface Appended {
  sequence: Sequence;
  ids: readonly number[];
  /** Ids that may come behind them, each with its logits: kept as far as `take` is told the same. */
  guesses?: readonly number[];
  /** Whether the logits after the last one are asked for: they cost as much as a quarter of a token. */
  wanted: boolean;
}

/** One sequence's part of a call: its ids, what is guessed behind them, and what the call is filled up with. */
export interface Part extends Required<Appended> {
  fill: readonly number[];
  /** Place in the call of the last of the ids. */
  end: number;
}

/**
 * What a common call takes of what is to be appended: all, or where that is more than a call holds, the last ids of each,
 * without guesses.
 * @returns also the ids before, for calls of their own
 */
export function shares(
  next: readonly Appended[],
  { batchSize }: DecoderContext,
): { before: Pick<Appended, 'sequence' | 'ids'>[]; last: Required<Appended>[] } {
  const total = next.reduce((sum, { ids, guesses = [] }) => sum + ids.length + guesses.length, 0);
  const room = Math.max(batchSize, next.length);
  if (total <= room) return { before: [], last: next.map(({ guesses = [], ...one }) => ({ ...one, guesses })) };
  const share = Math.floor(room / next.length);
  return {
    before: next.map(({ sequence, ids }) => ({ sequence, ids: ids.slice(0, -share) })),
    last: next.map((one) => ({ ...one, ids: one.ids.slice(-share), guesses: [] })),
  };
}

/** The call that appends to each sequence its ids, filled up where that is less work than what is asked for alone. */
export function jointCall(
  last: readonly Required<Appended>[],
  context: DecoderContext,
): { parts: Part[]; batch: Batch } {
  const sorted = last.toSorted((one, other) => one.sequence.id - other.sequence.id);
  const parts = placed(filledUp(sorted, context) ?? sorted.map((one) => ({ ...one, fill: [] })));
  return { parts, batch: batchOf(parts) };
}

/**
 * With as many ids for each, also for the sequences between that have nothing to append: none of it is kept. Undefined
 * where the call is best as it is.
 */
function filledUp(
  sorted: readonly Required<Appended>[],
  { sequences, callSize, contextSize }: DecoderContext,
): Omit<Part, 'end'>[] | undefined {
  const count = evenCount(
    sorted.map(({ sequence: { id }, ids, guesses }) => ({ id, count: ids.length + guesses.length })),
  );
  if (count === undefined) return undefined;
  const all = sequences.slice(sorted[0]!.sequence.id, sorted.at(-1)!.sequence.id + 1);
  const longest = Math.max(...sorted.map(({ sequence }) => sequence.length));
  // Longer ones would make the attention of all others longer.
  const hasRoom = all.every(({ length }) => length <= longest && length + count <= contextSize);
  if (!hasRoom || all.length * count > callSize) return undefined;
  const filler = sorted[0]!.ids[0]!;
  return all.map((sequence) => {
    const nothing = { sequence, ids: [], guesses: [], wanted: false };
    const one = sorted.find((other) => other.sequence === sequence) ?? nothing;
    const missing = count - one.ids.length - one.guesses.length;
    return { ...one, fill: Array.from<number>({ length: missing }).fill(filler) };
  });
}

function placed(parts: readonly Omit<Part, 'end'>[]): Part[] {
  let start = 0;
  return parts.map((part) => {
    const end = start + part.ids.length - 1;
    start += lengthOf(part);
    return { ...part, end };
  });
}

function batchOf(parts: readonly Part[]): Batch {
  const token = Int32Array.from(parts.flatMap(({ ids, guesses, fill }) => [...ids, ...guesses, ...fill]));
  const sequenceIds = parts.flatMap((part) => Array.from({ length: lengthOf(part) }, () => part.sequence.id));
  const wanted = new Int8Array(token.length);
  for (const { wanted: isWanted, guesses, end } of parts) if (isWanted) wanted.fill(1, end, end + guesses.length + 1);
  return { token, sequenceIds, wanted };
}

function lengthOf({ ids, guesses, fill }: Omit<Part, 'end'>): number {
  return ids.length + guesses.length + fill.length;
}
