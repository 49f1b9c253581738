/** A token and the natural logarithm of its probability. */
export interface LogProbability {
  id: number;
  logprob: number;
}

/** Log-probabilities of logits (softmax), without an array of all of them. */
export function logProbabilities(logits: Float32Array): {
  of(id: number): number;
  top(count: number): LogProbability[];
} {
  let max = -Infinity;
  for (const logit of logits) if (logit > max) max = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  const total = max + Math.log(sum);
  return {
    of: (id) => logits[id]! - total,
    top: (count) => largest(logits, count).map((id) => ({ id, logprob: logits[id]! - total })),
  };
}

/** Ids of the largest logits, the largest first; those of -Infinity are left out. */
function largest(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  let least = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (count === 0 || logit <= least) continue;
    let at = Math.min(ids.length, count - 1);
    while (at > 0 && logits[ids[at - 1]!]! < logit) at--;
    ids.splice(at, 0, id);
    if (ids.length > count) ids.pop();
    if (ids.length === count) least = logits[ids[count - 1]!]!;
  }
  return ids;
}
