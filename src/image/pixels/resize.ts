/** Which four neighbouring source places make a destination place, and with what weights. */
export interface Taps {
  /** [length] the first of four places in a row; places beyond a source shorter than four weigh nothing. */
  starts: Int32Array;
  /** [length, 4] each four adding up to 1. */
  weights: Float32Array;
}

/**
 * OpenCV's INTER_CUBIC along one axis: a = -0.75, centres at half pixels, edges repeated, no smoothing when shrinking.
 * Source: OpenCV 4.14 and 5.0, whose positions are float64; in float32 noise would come out up to 0.004 of 255 away.
 */
export function cubicTaps(sourceLength: number, length: number): Taps {
  const starts = new Int32Array(length);
  const weights = new Float32Array(length * 4);
  const scale = sourceLength / length;
  for (let place = 0; place < length; place++) {
    const at = (place + 0.5) * scale - 0.5;
    const left = Math.floor(at);
    const start = clamp(left - 1, 0, Math.max(sourceLength - 4, 0));
    starts[place] = start;
    // A neighbour beyond the edge repeats the edge: its weight goes there.
    for (const [tap, weight] of cubicWeights(at - left).entries()) {
      weights[place * 4 + clamp(left - 1 + tap, 0, sourceLength - 1) - start]! += weight;
    }
  }
  return { starts, weights };
}

function cubicWeights(x: number): [number, number, number, number] {
  const a = -0.75;
  const y = x + 1;
  const z = 1 - x;
  const first = ((a * y - 5 * a) * y + 8 * a) * y - 4 * a;
  const second = ((a + 2) * x - (a + 3)) * x * x + 1;
  const third = ((a + 2) * z - (a + 3)) * z * z + 1;
  return [first, second, third, 1 - first - second - third];
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest);
}
