import { exponentials } from './exponential.ts';

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

/**
 * Log-probabilities of logits (softmax).
 * @param weights room for as many numbers: making it anew for each token would cost half as much as the rest
 */
export function logProbabilities(
  logits: Float32Array,
  weights: Float64Array,
): Distribution & {
  /** The share of the tokens whose bit is set in a mask, among themselves; valid as long as logits and weights are. */
  among(mask: Uint32Array): Distribution;
} {
  const max = largestOf(logits);
  const total = max + Math.log(exponentials(logits, max, weights));
  return {
    ...distribution(logits, { total }),
    among: (mask) => {
      const ids = setBits(mask);
      let allowed = 0;
      for (let index = 0; index < ids.length; index++) allowed += weights[ids[index]!]!;
      // What has next to no weight beside all others still has its place among its own kind.
      const among = allowed > leastWeight ? max + Math.log(allowed) : totalOf(logits, ids);
      return distribution(logits, { total: among, ids });
    },
  };
}

/** Sums of less would be of few significant digits. */
const leastWeight = 1e-280;

function distribution(logits: Float32Array, { total, ids }: { total: number; ids?: Int32Array }): Distribution {
  return {
    of: (id) => logits[id]! - total,
    top: (count) => {
      const found = ids ? largestAmong(logits, ids, count) : largest(logits, count);
      return found.map((id) => ({ id, logprob: logits[id]! - total }));
    },
  };
}

/** By rising id. */
function setBits(mask: Uint32Array): Int32Array {
  const ids = new Int32Array(mask.length * 32);
  let count = 0;
  for (let word = 0; word < mask.length; word++) {
    const last = word * 32 + 31;
    for (let bits = mask[word]! | 0; bits !== 0; bits &= bits - 1) ids[count++] = last - Math.clz32(bits & -bits);
  }
  return ids.subarray(0, count);
}

function totalOf(logits: Float32Array, ids: Int32Array): number {
  let max = -Infinity;
  for (const id of ids) max = Math.max(max, logits[id]!);
  let sum = 0;
  for (const id of ids) sum += Math.exp(logits[id]! - max);
  return max + Math.log(sum);
}

function largestOf(logits: Float32Array): number {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!;
  return max;
}

/** Ids of the largest logits, the largest first; those of -Infinity are left out. */
function largest(logits: Float32Array, most: number): number[] {
  const ids = new Largest(logits, most);
  for (let id = 0; id < logits.length; id++) if (logits[id]! > ids.least) ids.add(id);
  return ids.found;
}

function largestAmong(logits: Float32Array, among: Int32Array, most: number): number[] {
  const ids = new Largest(logits, most);
  for (let index = 0; index < among.length; index++) if (logits[among[index]!]! > ids.least) ids.add(among[index]!);
  return ids.found;
}

/** The `most` largest, of equal ones those that come first. */
class Largest {
  readonly found: number[] = [];
  /** Nothing that is not larger has a place. */
  least: number;
  readonly #logits: Float32Array;
  readonly #most: number;

  constructor(logits: Float32Array, most: number) {
    this.#logits = logits;
    this.#most = most;
    this.least = most === 0 ? Infinity : -Infinity;
  }

  add(id: number): void {
    const [logits, found] = [this.#logits, this.found];
    let at = Math.min(found.length, this.#most - 1);
    while (at > 0 && logits[found[at - 1]!]! < logits[id]!) at--;
    found.splice(at, 0, id);
    if (found.length > this.#most) found.pop();
    if (found.length === this.#most) this.least = logits[found.at(-1)!]!;
  }
}
