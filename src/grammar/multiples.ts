import { type GbnfRules, anyOf, literal } from './gbnf.ts';
import { jsonRule, maxDigits } from './json-rules.ts';
import { oneOfTexts } from './one-of-texts.ts';
import { decimalRange, integerRange, largest } from './number-range.ts';

interface Multiples {
  kind: 'integer' | 'number';
  min: number;
  max: number;
  isAbove: boolean;
  isBelow: boolean;
  step: number;
}

/** So few are written one by one. */
const maxListed = 10_000;
const maxTails = 1000;
const maxDecimals = 4;

/**
 * Multiples of a number, in GBNF: each by itself where bounds leave few, else by their last digits, whatever the bounds.
 * Undefined where digits do not tell: then they are checked at the end.
 */
export function multiples(gbnf: GbnfRules, schema: Multiples): string | undefined {
  const { min, max, kind } = schema;
  const places = decimalPlaces(schema.step);
  if (places === undefined) return undefined;
  const scale = 10 ** places;
  const step = Math.round(schema.step * scale);
  if (kind === 'integer' && step % scale !== 0) return undefined;
  if ((max - min) * (scale / step) <= maxListed) return listed(schema, { step, scale, places });
  const { isAbove } = schema;
  if ((min <= -largest || min >= 0) && max >= largest) return byLastDigits(gbnf, { min, isAbove, step, places });
  return step === 1 && places > 0 ? byPlaces(gbnf, schema, places) : undefined;
}

/** With at most so many decimals, between whole bounds. */
function byPlaces(gbnf: GbnfRules, { min, max, isAbove, isBelow }: Multiples, places: number): string | undefined {
  if (!Number.isInteger(min) || !Number.isInteger(max) || ((isAbove || isBelow) && max <= 0)) return undefined;
  jsonRule(gbnf, 'digit');
  const fraction = `("." digit{1,${places}})`;
  if (!isAbove && !isBelow) return decimalRange(min, max, fraction);
  const parts: string[] = [];
  if (min < 0) {
    if (isAbove) parts.push(`"-" ${integerRange(0, -min - 1)} ${fraction}?`);
    else parts.push(decimalRange(min, -1, fraction), `"-0" ${fraction}`);
  }
  const least = min < 0 ? 0 : min;
  const isOut = isAbove && min >= 0;
  if (isOut) parts.push(`"${min}." ${notZero(places)}`);
  const from = isOut ? least + 1 : least;
  if (isBelow && from < max) parts.push(`${integerRange(from, max - 1)} ${fraction}?`);
  if (!isBelow && from <= max) parts.push(decimalRange(from, max, fraction));
  return anyOf(parts);
}

/** Some digits of which one is not 0. */
const notZero = (places: number): string =>
  anyOf(Array.from({ length: places }, (_, zeros) => `"${'0'.repeat(zeros)}" [1-9] digit{0,${places - zeros - 1}}`));

function decimalPlaces(value: number): number | undefined {
  for (let places = 0; places <= maxDecimals; places++) {
    const scaled = value * 10 ** places;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-9 && Math.round(scaled) > 0) return places;
  }
  return undefined;
}

function listed(
  { min, max, isAbove, isBelow }: Multiples,
  { step, scale, places }: { step: number; scale: number; places: number },
): string | undefined {
  const texts: string[] = [];
  for (let count = Math.ceil((min * scale) / step); (count * step) / scale <= max; count++) {
    const value = (count * step) / scale;
    if (value < min || (isAbove && value === min) || (isBelow && value === max)) continue;
    texts.push(String(Number(value.toFixed(places))));
  }
  return texts.length === 0 ? undefined : oneOfTexts(texts);
}

/** Ten times the step, or a hundred times, is a power of ten: then the last digits decide. */
function byLastDigits(
  gbnf: GbnfRules,
  { min, isAbove, step, places }: { min: number; isAbove: boolean; step: number; places: number },
): string | undefined {
  jsonRule(gbnf, 'digit');
  const length = [places, places + 1, places + 2, places + 3].find((one) => one > 0 && 10 ** one % step === 0);
  if (places === 0 && step === 1) return undefined;
  if (length === undefined || 10 ** length / step > maxTails) return undefined;
  if (min > 10 ** (length - places)) return undefined;
  const tails = Array.from({ length: 10 ** length / step }, (_, count) => String(count * step).padStart(length, '0'));
  const point = (digits: string): string =>
    places === 0 ? digits : `${digits.slice(0, -places) || ''}.${digits.slice(-places)}`;
  const before = `[1-9] digit{0,${maxDigits - length - 1}}`;
  const isIn = (tail: string): boolean => {
    const value = Number(tail) / 10 ** places;
    return isAbove ? value > min : value >= min;
  };
  const short = tails.filter(isIn).map((tail) => {
    const [whole, decimals] = [
      tail.slice(0, tail.length - places).replace(/^0+(?=\d)/, '') || '0',
      tail.slice(tail.length - places),
    ];
    return literal(places === 0 ? whole : `${whole}.${decimals}`);
  });
  const long = `${before} ${anyOf(tails.map((tail) => literal(point(tail))))}`;
  return `${min < 0 ? '"-"? ' : ''}${anyOf([long, ...short])}`;
}
