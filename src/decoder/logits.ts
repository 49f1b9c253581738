import { exponentials } from './exponential.ts';
import { type LogitsKernel, blockLength, logitsKernel } from './logits-kernel.ts';

/** Logits of one step after the other, where vector instructions reach them, and room for what is computed of them. */
export class Logits {
  /** [vocabulary] */
  readonly values: Float32Array;
  /** exp(logit - max), [vocabulary], once `sumWeights` was called. */
  readonly weights: Float64Array;
  /** For whoever lists ids. */
  readonly ids: Int32Array;
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
    this.ids = new Int32Array(new ArrayBuffer(count * 4));
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

  /** The same as `largest` of some of them, by rising id. */
  largestAmong(among: Int32Array, most: number): number[] {
    const ids = new Largest(this.values, most);
    for (let index = 0; index < among.length; index++)
      if (this.values[among[index]!]! > ids.least) ids.add(among[index]!);
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
    const even = count - (count % 2);
    if (even === 0) return exponentials(this.values, max, this.weights);
    this.#kernel.exponentials(values, values + even * 4, weights, result, max);
    const [sum, , ...others] = this.#result;
    // Minus infinity, and what is next to it: seldom.
    if (others.some((bits) => !Object.is(bits, 0))) return exponentials(this.values, max, this.weights);
    return even === count ? sum! : sum! + (this.weights[even] = Math.exp(this.values[even]! - max));
  }
}

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
