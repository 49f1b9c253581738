export const invLn2 = Math.LOG2E;
export const ln2High = 6.9314718036912381649e-1;
export const ln2Low = 1.90821492927058770002e-10;
export const coefficients = [
  1.66666666666666019037e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.6533902205465251539e-6,
  4.13813679705723846039e-8,
] as const;
const [p1, p2, p3, p4, p5] = coefficients;

/** Outside of these fdlibm goes other ways. */
export const [least, most] = [-708, -(2 ** -28)] as const;
const powers = Float64Array.from({ length: 1024 }, (_, at) => 2 ** -at);

/**
 * Writes the exponentials of `values - largest` and returns their sum. Math.exp is a call for each value, which for a whole
 * vocabulary is most of what log-probabilities cost; this is the same computation in line, to the last bit.
 * Source: fdlibm, e_exp.c, for arguments that are not above 0.
 */
export function exponentials(values: Float32Array, largest: number, into: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at]! - largest;
    if (!(value > least && value < most)) {
      sum += into[at] = Math.exp(value);
      continue;
    }
    const halves = (invLn2 * value - 0.5) | 0;
    const high = value + -halves * ln2High;
    const low = halves * ln2Low;
    const rest = high - low;
    const square = rest * rest;
    const c = rest - square * (p1 + square * (p2 + square * (p3 + square * (p4 + square * p5))));
    sum += into[at] = (1 - (low - (rest * c) / (2 - c) - high)) * powers[-halves]!;
  }
  return sum;
}
