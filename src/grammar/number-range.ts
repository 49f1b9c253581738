import { anyOf, literal } from './gbnf.ts';
import { maxDigits } from './json-rules.ts';

/** The largest whole number that a grammar writes: 15 nines. */
export const largest = 10 ** maxDigits - 1;

/** Whole numbers from `min` to `max`, in GBNF; needs the rule `digit`. */
export function integerRange(min: number, max: number): string {
  const parts: string[] = [];
  if (min < 0) parts.push(`"-" ${naturalRange(Math.max(1, -max), -min)}`);
  if (max >= 0) parts.push(naturalRange(Math.max(0, min), max));
  return anyOf(parts);
}

/**
 * Numbers from `min` to `max`, whole bounds, with up to 16 decimals, in GBNF; needs the rules `digit` and `fraction`.
 * Rounding to the nearest double never crosses a whole bound.
 */
export function decimalRange(min: number, max: number, fraction = 'fraction'): string {
  const parts: string[] = [];
  if (min < 0) parts.push(`"-" ${magnitudes(Math.max(0, -max), -min, fraction)}`);
  if (max >= 0) parts.push(magnitudes(Math.max(0, min), max, fraction));
  return anyOf(parts);
}

function magnitudes(min: number, max: number, fraction: string): string {
  const whole = `${naturalRange(max, max)} ("." "0"{1,4})?`;
  return min === max ? `(${whole})` : anyOf([`${naturalRange(min, max - 1)} ${fraction}?`, whole]);
}

function naturalRange(min: number, max: number): string {
  const parts: string[] = [];
  for (let length = String(min).length; length <= String(max).length; length++) {
    const low = Math.max(min, length === 1 ? 0 : 10 ** (length - 1));
    parts.push(sameLength(String(low), String(Math.min(max, 10 ** length - 1))));
  }
  return anyOf(parts);
}

/** Digit strings of one length, from `low` to `high`. */
function sameLength(low: string, high: string): string {
  let common = 0;
  while (common < low.length && low[common] === high[common]) common++;
  if (common === low.length) return literal(low);
  const [first, last] = [Number(low[common]), Number(high[common])];
  const rest = low.length - common - 1;
  const alternatives: string[] = [];
  const lowTail = low.slice(common + 1);
  const highTail = high.slice(common + 1);
  const fromHere = /^0*$/.test(lowTail) ? first : first + 1;
  const toHere = /^9*$/.test(highTail) ? last : last - 1;
  if (fromHere > first) alternatives.push(`"${first}" ${sameLength(lowTail, '9'.repeat(rest))}`);
  if (fromHere <= toHere) alternatives.push(`[${fromHere}-${toHere}]${rest > 0 ? ` digit{${rest}}` : ''}`);
  if (toHere < last) alternatives.push(`"${last}" ${sameLength('0'.repeat(rest), highTail)}`);
  return `${common > 0 ? `${literal(low.slice(0, common))} ` : ''}${anyOf(alternatives)}`;
}
