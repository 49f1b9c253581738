import { type TokenMask, isAllowed } from '../grammar/token-masks.ts';
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
  /** The share of the tokens that a mask allows, among themselves. */
  among(mask: TokenMask): Distribution;
}

/** Log-probabilities of logits (softmax). */
export function logProbabilities(logits: Logits): WholeDistribution {
  const { max, values } = logits;
  const total = max + Math.log(logits.sumWeights(max));
  return {
    of: (id) => values[id]! - total,
    top: (count) => logits.largest(count).map((id) => ({ id, logprob: values[id]! - total })),
    among: (mask) => {
      const allowed = logits.sumAmong(mask);
      // What has next to no weight beside all others still has its place among its own kind.
      const among = allowed > leastWeight ? max + Math.log(allowed) : totalOf(values, mask);
      return {
        of: (id) => values[id]! - among,
        top: (count) => logits.largestAmong(mask, count).map((id) => ({ id, logprob: values[id]! - among })),
      };
    },
  };
}

/** Sums of less would be of few significant digits. */
const leastWeight = 1e-280;

function totalOf(logits: Float32Array, mask: TokenMask): number {
  const some = logits.filter((_, id) => isAllowed(mask, id));
  const max = some.reduce((one, other) => Math.max(one, other), -Infinity);
  return max + Math.log(some.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
}
