import { exponentials, least } from './exponential.ts';
import { type LogitsKernel, blockLength, exponentialsAtOnce, logitsKernel } from './logits-kernel.ts';

/** Logits of one step after the other, where vector instructions reach them, and room for what is computed of them. */
export class Logits {
  /** [vocabulary] */
  readonly values: Float32Array;
  /** exp(logit - max), [vocabulary], once `sumWeights` was called. */
  readonly weights: Float64Array;
  readonly #kernel: LogitsKernel;
  readonly #places: ReturnType<typeof placesFor>;
  /** The largest of each block. */
  readonly #maxima: Float32Array;
  readonly #result: Float64Array;

  constructor(count: number) {
    const places = placesFor(count);
    const { kernel, buffer } = logitsKernel(places.end);
    this.#kernel = kernel;
    this.#places = places;
    new Float32Array(buffer, places.values, places.blocks * blockLength).fill(-Infinity); // behind the last one too
    this.values = new Float32Array(buffer, places.values, count);
    this.weights = new Float64Array(buffer, places.weights, count);
    this.#maxima = new Float32Array(buffer, places.maxima, places.blocks);
    this.#result = new Float64Array(buffer, places.result, resultBytes / 8);
  }

  /** Takes those of another step, which may be gone afterwards, and changes them as it is told. */
  take(logits: Float32Array, change?: (values: Float32Array) => void): this {
    const { values, maxima, blocks } = this.#places;
    this.values.set(logits);
    change?.(this.values);
    this.#kernel.blockMaxima(values, values + blocks * blockLength * 4, maxima);
    return this;
  }

  get max(): number {
    let max = -Infinity;
    for (const one of this.#maxima) if (one > max) max = one;
    return max;
  }

  /** Ids of the largest, the largest first, of equal ones those that come first; those of -Infinity are left out. */
  largest(most: number): number[] {
    const ids = new Largest(this.values, most);
    for (let block = 0; block < this.#maxima.length; block++) {
      if (this.#maxima[block]! <= ids.least) continue;
      const end = Math.min(this.values.length, (block + 1) * blockLength);
      for (let id = block * blockLength; id < end; id++) if (this.values[id]! > ids.least) ids.add(id);
    }
    return ids.found;
  }

  /** Ids of those that are not below `least`, by rising id. */
  from(least: number): number[] {
    const ids: number[] = [];
    for (let block = 0; block < this.#maxima.length; block++) {
      if (!(this.#maxima[block]! >= least)) continue;
      const end = Math.min(this.values.length, (block + 1) * blockLength);
      for (let id = block * blockLength; id < end; id++) if (this.values[id]! >= least) ids.push(id);
    }
    return ids;
  }

  /** The same as `largest` of those whose bit is set in a mask. */
  largestAmong(mask: Uint32Array, most: number): number[] {
    const ids = new Largest(this.values, most);
    for (let block = 0; block < this.#maxima.length; block++) {
      if (this.#maxima[block]! <= ids.least) continue;
      const end = Math.min(mask.length, ((block + 1) * blockLength) / 32);
      for (let word = (block * blockLength) / 32; word < end; word++) {
        for (let bits = mask[word]! | 0; bits !== 0; bits &= bits - 1) {
          const id = lowestId(bits, word);
          if (this.values[id]! > ids.least) ids.add(id);
        }
      }
    }
    return ids.found;
  }

  /** Of exp(logit - max), `massError` off at most; no number where one of them is none. */
  mass(max: number): Mass {
    // An addition is off by no more than a rounding of what comes out, nor by more than what was added.
    const mass = this.#mass(max, mostUsual * roundingOfF32);
    const [largest, isNarrow] = [mass.sum * roundingSlack, mass.rounding < narrow * mass.sum];
    return largest <= mostUsual && isNarrow ? mass : this.#mass(max, largest * roundingOfF32);
  }

  #mass(max: number, cap: number): Mass {
    const { values, blocks, result } = this.#places;
    this.#kernel.masses(values, values + blocks * blockLength * 4, result, max, cap);
    const [sum, otherSum, capped, otherCapped] = this.#result;
    return { sum: sum! + otherSum!, rounding: (capped! + otherCapped!) * roundingSlack };
  }

  /** Fills `weights` and adds them up, in the order of ids. */
  sumWeights(max: number): number {
    const { values, weights, result } = this.#places;
    const count = this.values.length;
    const whole = count - (count % exponentialsAtOnce);
    // Only logits next to 0 can be so near to each other that the exponential of what is between them is told otherwise.
    if (whole === 0 || Math.abs(max) < leastApart) return exponentials(this.values, max, this.weights);
    this.#kernel.exponentials(values, values + whole * 4, weights, result, max);
    let sum = this.#result[0]!;
    const isUsual = Math.min(this.#result[2]!, this.#result[3]!) > least && !Number.isNaN(sum);
    // Minus infinity, what is next to it, and what is no number: seldom.
    if (!isUsual) return exponentials(this.values, max, this.weights);
    for (let id = whole; id < count; id++) sum += this.weights[id] = Math.exp(this.values[id]! - max);
    return sum;
  }

  /** Of `weights` once they are filled, those whose bit is set in a mask, added up in the order of ids. */
  sumAmong(mask: Uint32Array): number {
    let sum = 0;
    for (let word = 0; word < mask.length; word++) {
      let bits = mask[word]! | 0;
      if (bits === allBits) for (let id = word * 32; id < word * 32 + 32; id++) sum += this.weights[id]!;
      else for (; bits !== 0; bits &= bits - 1) sum += this.weights[lowestId(bits, word)]!;
    }
    return sum;
  }
}

const allBits = -1;

/** Of the lowest bit of those in a word of a mask. */
function lowestId(bits: number, word: number): number {
  return word * 32 + 31 - Math.clz32(bits & -bits);
}

/** From here on f32 differ by more than `most` of exponential.ts. */
const leastApart = 2 ** -3;
/** Sums of trained models are seldom larger: one token has a good part of the probability. */
const mostUsual = 4;
/** As a share of the sum: more is worth a closer look. */
const narrow = 1e-3;
/** That the sum has been rounded, by up to 131,072 roundings, and is `massError` off. */
const roundingSlack = 1.02;

/** What exponentials add up to. */
export interface Mass {
  sum: number;
  /** How far from it their sum may be that f32 adds up one after the other, in whatever order. */
  rounding: number;
}

/** Half of what numbers of f32 next to 1 differ by. */
export const roundingOfF32 = 2 ** -24;

const resultBytes = 32;

/** Byte addresses; f64 and vectors at multiples of their size. */
function placesFor(count: number) {
  const blocks = Math.ceil(count / blockLength);
  const weights = resultBytes;
  const values = weights + blocks * blockLength * 8;
  const maxima = values + blocks * blockLength * 4;
  return { blocks, result: 0, weights, values, maxima, end: maxima + blocks * 4 };
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
