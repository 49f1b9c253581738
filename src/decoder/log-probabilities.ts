import type { Logits } from './logits.ts';

/** A token and the natural logarithm of its probability. */
export interface LogProbability {
  id: number;
  logprob: number;
}

/** A distribution over tokens; valid until its logits give way to others. */
export interface Distribution {
  of(id: number): number;
  /** The likeliest, the likeliest first; those without any probability are left out. */
  top(count: number): LogProbability[];
}

/** One over all tokens. */
export interface WholeDistribution extends Distribution {
  /** The share of the tokens whose bit is set in a mask, among themselves; valid until the next is asked for. */
  among(mask: Uint32Array): Distribution;
}

/** Log-probabilities of logits (softmax). */
export function logProbabilities(logits: Logits): WholeDistribution {
  const { max, values, weights } = logits;
  const total = max + Math.log(logits.sumWeights(max));
  return {
    of: (id) => values[id]! - total,
    top: (count) => logits.largest(count).map((id) => ({ id, logprob: values[id]! - total })),
    among: (mask) => {
      const ids = setBits(mask, logits.ids);
      let allowed = 0;
      for (let index = 0; index < ids.length; index++) allowed += weights[ids[index]!]!;
      // What has next to no weight beside all others still has its place among its own kind.
      const among = allowed > leastWeight ? max + Math.log(allowed) : totalOf(values, ids);
      return {
        of: (id) => values[id]! - among,
        top: (count) => logits.largestAmong(ids, count).map((id) => ({ id, logprob: values[id]! - among })),
      };
    },
  };
}

/** Sums of less would be of few significant digits. */
const leastWeight = 1e-280;

/** By rising id. */
function setBits(mask: Uint32Array, into: Int32Array): Int32Array {
  let count = 0;
  for (let word = 0; word < mask.length; word++) {
    const last = word * 32 + 31;
    for (let bits = mask[word]! | 0; bits !== 0; bits &= bits - 1) into[count++] = last - Math.clz32(bits & -bits);
  }
  return into.subarray(0, count);
}

function totalOf(logits: Float32Array, ids: Int32Array): number {
  let max = -Infinity;
  for (const id of ids) max = Math.max(max, logits[id]!);
  let sum = 0;
  for (const id of ids) sum += Math.exp(logits[id]! - max);
  return max + Math.log(sum);
}
