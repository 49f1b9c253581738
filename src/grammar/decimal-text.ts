import { maxDigits } from './json-rules.ts';
import { largest } from './number-range.ts';
import type { Schema } from './schema.ts';

/** How pydantic begins what it says about the text of a decimal. */
const opening = String.raw`^(?!^[-+.]*$)[+-]?0*`;
/** `decimal_places` alone. */
const places = /^\\d\*\\\.\?\\d\{0,(\d+)\}0\*\$$/;
/** `max_digits` with `decimal_places`. */
const wholeAndPlaces = /^\(\?:\\d\{0,(\d+)\}\|\(\?=\[\\d\.\]\{1,\d+\}0\*\$\)\\d\{0,\1\}\\\.\\d\{0,(\d+)\}0\*\$\)$/;
/** `max_digits` alone. */
const digits = /^\(\?:\\d\{0,(\d+)\}\|\(\?=\[\\d\.\]\{1,\d+\}0\*\$\)\\d\*\\\.\\d\*0\*\$\)$/;

/** Digits before and behind the point. */
type Digits = readonly [whole: number, places: number];

/** How many digits pydantic's pattern for decimals allows: any of the pairs. */
function decimalDigits(source: string): Digits[] | undefined {
  if (!source.startsWith(opening)) return undefined;
  const body = source.slice(opening.length);
  if (body === String.raw`\d*\.?\d*$`) return [[maxDigits, maxDigits]];
  const [some, both, all] = [places, wholeAndPlaces, digits].map((one) => one.exec(body)?.slice(1).map(Number));
  if (some) return [[maxDigits, some[0]!]];
  if (both) return [[both[0]!, both[1]!]];
  const most = all?.[0];
  return most === undefined ? undefined : Array.from({ length: most + 1 }, (_, whole) => [whole, most - whole]);
}

/** A pattern without looking ahead whose texts are decimals that pydantic's pattern for them allows. */
export function decimalText(source: string): string | undefined {
  const pairs = decimalDigits(source);
  return pairs && decimal(pairs);
}

/**
 * pydantic takes a decimal as a number or as a text, says its bounds with the one and its digits with the other, and
 * wants both: the number has the digits too, and the text goes where it could not have the bounds.
 */
export function decimalBranches(branches: Schema[]): Schema[] {
  const number = branches.find((branch): branch is NumberSchema => branch.kind === 'number');
  const text = branches.find((branch) => branch.kind === 'pattern');
  const [pair, ...more] = (text && decimalDigits(text.pattern.source)) ?? [];
  if (!number || !pair) return branches;
  const isBound = number.min > -largest || number.max < largest || number.step !== undefined;
  const narrow = more.length === 0 ? withDigits(number, pair) : number;
  return branches.flatMap((branch) => (branch === number ? [narrow] : branch === text && isBound ? [] : [branch]));
}

type NumberSchema = Extract<Schema, { kind: 'integer' | 'number' }>;

function withDigits(number: NumberSchema, [whole, decimals]: Digits): NumberSchema {
  const limit = whole < maxDigits ? 10 ** whole : Infinity;
  const [isLow, isHigh] = [number.min <= -limit, number.max >= limit];
  const bounded = {
    ...number,
    ...(isLow && { min: -limit, isAbove: true }),
    ...(isHigh && { max: limit, isBelow: true }),
  };
  if (decimals === 0) return wholeOf(bounded);
  return { ...bounded, step: number.step ?? (decimals < maxDigits ? 10 ** -decimals : undefined) };
}

function wholeOf(number: NumberSchema): NumberSchema {
  const { min, max, isAbove, isBelow } = number;
  return {
    ...number,
    kind: 'integer',
    min: isAbove ? Math.floor(min) + 1 : Math.ceil(min),
    max: isBelow ? Math.ceil(max) - 1 : Math.floor(max),
    isAbove: false,
    isBelow: false,
  };
}

/** At most so many digits before and behind the point, for any of the pairs. */
function decimal(pairs: readonly Digits[]): string {
  const alternatives = pairs.map(([whole, decimals]) => {
    const before = whole === 0 ? '0' : `(?:0|[1-9]\\d{0,${whole - 1}})`;
    return `${before}${decimals === 0 ? '' : `(?:\\.\\d{1,${decimals}})?`}`;
  });
  return `^-?(?:${alternatives.join('|')})$`;
}
