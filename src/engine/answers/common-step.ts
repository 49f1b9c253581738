import { passesOf } from '../../decoder/even-call.ts';

/** What waits to be appended to a sequence. */
export interface Waiting {
  /** Ids that stand in the answer. */
  ids: number;
  /** Of each id that is guessed behind them: how likely it and all before it are right. */
  guesses: readonly number[];
}

/** One pass over the weights, in tokens; what a guess costs more by its logits. Of a processor; a GPU's passes cost more. */
const passCost = 8;
const logitsCost = 0.25;

/**
 * How many of the ids that wait for each sequence, guesses behind the others, the next call appends: what brings most
 * tokens for its cost. A call is one pass over the weights as long as it gives all as many (see evenCount); who has more to
 * append than it takes waits with the rest for the next calls, and draws nothing meanwhile.
 */
export function commonStep(waiting: readonly Waiting[]): number[] {
  const all = waiting.map(({ ids, guesses }) => ids + guesses.length);
  let best: { counts: number[]; rate: number } | undefined;
  for (let width = 1; width <= Math.max(...all); width++) {
    const counts = all.map((count) => Math.min(count, width));
    const rate = worthOf(waiting, counts) / costOf(waiting, counts);
    if (!best || rate > best.rate) best = { counts, rate };
  }
  return best?.counts ?? [];
}

function worthOf(waiting: readonly Waiting[], counts: readonly number[]): number {
  let worth = 0;
  for (const [at, { ids, guesses }] of waiting.entries()) {
    worth += Math.min(ids, counts[at]!);
    for (const guess of guesses.slice(0, Math.max(0, counts[at]! - ids))) worth += guess;
  }
  return worth;
}

/** Filled up to one pass, or in several. */
function costOf(waiting: readonly Waiting[], counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const guessed = waiting.reduce((sum, { ids }, at) => sum + Math.max(0, counts[at]! - ids), 0);
  const filled = passCost + Math.max(...counts) * counts.length;
  const parted = passCost * passesOf(counts.map((count, id) => ({ id, count }))) + total;
  return Math.min(filled, parted) + logitsCost * guessed;
}
