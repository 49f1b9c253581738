import { anyOf, literal } from './gbnf.ts';
import { integerRange } from './number-range.ts';

export interface Bounds {
  min: number;
  max: number;
  /** Whether the bound itself is no value. */
  isAbove: boolean;
  isBelow: boolean;
}

/** So many digits in all that no two numbers are the same double. */
const maxSignificant = 15;

/** Numbers within bounds that need not be whole, in GBNF; needs the rules `digit` and `fraction`. */
export function boundedDecimals({ min, max, isAbove, isBelow }: Bounds): string {
  const parts: string[] = [];
  if (min < 0) {
    const least = max < 0 ? -max : 0; // zero is written without a sign
    parts.push(`"-" ${magnitudes({ min: least, max: -min, isAbove: max < 0 ? isBelow : true, isBelow: isAbove })}`);
  }
  if (max > 0 || (max === 0 && !isBelow)) {
    const least = Math.max(0, min);
    parts.push(magnitudes({ min: least, max, isAbove: min >= 0 && isAbove, isBelow }));
  }
  return anyOf(parts);
}

/** Of numbers that are not negative. */
function magnitudes({ min, max, isAbove, isBelow }: Bounds): string {
  const [low, lowDigits] = digitsOf(min);
  const [high, highDigits] = digitsOf(max);
  const least: Edge = lowDigits === '' && !isAbove ? undefined : { digits: lowDigits, isOut: isAbove };
  const most: Edge = { digits: highDigits, isOut: isBelow };
  const parts: (string | undefined)[] = [];
  if (low === high) parts.push(withDecimals(low, { low: least, high: most }));
  else {
    parts.push(withDecimals(low, { low: least, high: undefined }));
    if (Number(high) - Number(low) > 1) parts.push(`${integerRange(Number(low) + 1, Number(high) - 1)} fraction?`);
    parts.push(withDecimals(high, { low: undefined, high: most }));
  }
  return anyOf(parts.filter((part) => part !== undefined));
}

function digitsOf(value: number): [whole: string, decimals: string] {
  const text = String(value);
  const plain = text.includes('e') ? value.toFixed(20).replace(/\.?0+$/, '') : text;
  const [whole, decimals = ''] = plain.split('.');
  return [whole!, decimals];
}

/** A bound's decimals that are still to come, and whether the bound itself is no value; undefined: left behind. */
type Edge = { digits: string; isOut: boolean } | undefined;

/** A whole number and what may stand behind its point; undefined when nothing may, not even nothing. */
function withDecimals(whole: string, { low, high }: { low: Edge; high: Edge }): string | undefined {
  const left = Math.max(1, maxSignificant - whole.length, low?.digits.length ?? 0, high?.digits.length ?? 0);
  const { some, mayBeNone } = decimals({ low, high, left });
  if (some === undefined) return mayBeNone ? `${literal(whole)} ("." "0")?` : undefined;
  return `${literal(whole)} ${mayBeNone ? `("." ${some})?` : `"." ${some}`}`;
}

interface Decimals {
  /** One digit or more, in GBNF. */
  some: string | undefined;
  mayBeNone: boolean;
}

function decimals({ low, high, left }: { low: Edge; high: Edge; left: number }): Decimals {
  if (high?.digits === '') return { some: undefined, mayBeNone: !high.isOut && !low };
  if (left === 0) return { some: undefined, mayBeNone: !low };
  if (!low && !high) return { some: `digit{1,${left}}`, mayBeNone: true };
  const parts: string[] = [];
  for (let digit = 0; digit <= 9; digit++) {
    const first = low && Number(low.digits[0] ?? 0);
    const last = high && Number(high.digits[0]);
    if ((first !== undefined && digit < first) || (last !== undefined && digit > last)) continue;
    const inner = decimals({
      low: digit === first ? behind(low!) : undefined,
      high: digit === last ? { ...high!, digits: high!.digits.slice(1) } : undefined,
      left: left - 1,
    });
    if (inner.some !== undefined) parts.push(`"${digit}" ${inner.mayBeNone ? `(${inner.some})?` : inner.some}`);
    else if (inner.mayBeNone) parts.push(`"${digit}"`);
  }
  return { some: parts.length === 0 ? undefined : anyOf(parts), mayBeNone: !low };
}

/** Zeros may go on without end behind a bound that is no value, and do not get past it. */
function behind({ digits, isOut }: NonNullable<Edge>): Edge {
  const rest = digits.slice(1);
  return rest === '' && !isOut ? undefined : { digits: rest, isOut };
}
