import { type Logits, roundingOfF32 } from './logits.ts';
import { massError } from './logits-kernel.ts';

/** Few are enough for most tokens of trained models, and found sooner. */
const counts = [16, 128];

/**
 * Ids that llama.cpp's top-p leaves of these logits, in its order: the likeliest, up to the first with which the sum of
 * probabilities is not below `topP`. Undefined where these are more than 128, or where it cannot be told by the logits
 * alone: when the sum comes so near to it that the order of additions decides, or two are equally likely.
 */
export function nucleus(logits: Logits, topP: number): number[] | undefined {
  const { max, values } = logits;
  const { sum, rounding } = logits.mass(max);
  const error = massError + rounding / sum + 4 * counts.at(-1)! * roundingOfF32;
  for (const count of counts) {
    const ids = logits.largest(count + 1);
    let reached = 0;
    for (const [at, id] of ids.slice(0, count).entries()) {
      const next = ids[at + 1];
      if (next !== undefined && !(values[next]! < values[id]!)) return undefined;
      reached += Math.exp(values[id]! - max) / sum;
      if (reached * (1 + error) < topP) continue;
      return reached * (1 - error) >= topP ? ids.slice(0, at + 1) : undefined;
    }
  }
  return undefined;
}
