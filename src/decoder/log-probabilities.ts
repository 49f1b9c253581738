/** A token and the natural logarithm of its probability. */
export interface LogProbability {
  id: number;
  logprob: number;
}

/** A distribution over tokens. */
export interface Distribution {
  of(id: number): number;
  /** The likeliest, the likeliest first; those without any probability are left out. */
  top(count: number): LogProbability[];
}

/** Log-probabilities of logits (softmax). */
export function logProbabilities(logits: Float32Array): Distribution & {
  /** The share of the tokens whose bit is set in a mask, among themselves; valid as long as the logits are. */
  among(mask: Uint32Array): Distribution;
} {
  const max = largestOf(logits);
  const weights = new Float64Array(logits.length);
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += weights[id] = Math.exp(logits[id]! - max);
  const total = max + Math.log(sum);
  return {
    ...distribution(logits, { total, count: logits.length, idAt: (index) => index }),
    among: (mask) => {
      const { ids, count } = setBits(mask);
      let allowed = 0;
      for (let index = 0; index < count; index++) allowed += weights[ids[index]!]!;
      const idAt = (index: number): number => ids[index]!;
      // What has next to no weight beside all others still has its place among its own kind.
      const among = allowed > leastWeight ? max + Math.log(allowed) : totalOf(logits, { count, idAt });
      return distribution(logits, { total: among, count, idAt });
    },
  };
}

/** Sums of less would be of few significant digits. */
const leastWeight = 1e-280;

interface Chosen {
  count: number;
  idAt: (index: number) => number;
}

function distribution(logits: Float32Array, { total, ...chosen }: Chosen & { total: number }): Distribution {
  return {
    of: (id) => logits[id]! - total,
    top: (count) => largest(logits, { ...chosen, most: count }).map((id) => ({ id, logprob: logits[id]! - total })),
  };
}

function setBits(mask: Uint32Array): { ids: Int32Array; count: number } {
  const ids = new Int32Array(mask.length * 32);
  let count = 0;
  for (let word = 0; word < mask.length; word++) {
    for (let bits = mask[word]!, id = word * 32; bits !== 0; bits >>>= 1, id++) if ((bits & 1) === 1) ids[count++] = id;
  }
  return { ids, count };
}

function totalOf(logits: Float32Array, { count, idAt }: Chosen): number {
  let max = -Infinity;
  for (let index = 0; index < count; index++) max = Math.max(max, logits[idAt(index)]!);
  let sum = 0;
  for (let index = 0; index < count; index++) sum += Math.exp(logits[idAt(index)]! - max);
  return max + Math.log(sum);
}

function largestOf(logits: Float32Array): number {
  let max = -Infinity;
  for (const logit of logits) if (logit > max) max = logit;
  return max;
}

/** Ids of the largest logits, the largest first; those of -Infinity are left out. */
function largest(logits: Float32Array, { count, idAt, most }: Chosen & { most: number }): number[] {
  const ids: number[] = [];
  let least = -Infinity;
  for (let index = 0; index < count; index++) {
    const id = idAt(index);
    const logit = logits[id]!;
    if (most === 0 || logit <= least) continue;
    let at = Math.min(ids.length, most - 1);
    while (at > 0 && logits[ids[at - 1]!]! < logit) at--;
    ids.splice(at, 0, id);
    if (ids.length > most) ids.pop();
    if (ids.length === most) least = logits[ids[most - 1]!]!;
  }
  return ids;
}
