import { maxDigits } from './json-rules.ts';

/** How pydantic begins what it says about the text of a decimal. */
const opening = String.raw`^(?!^[-+.]*$)[+-]?0*`;
/** `decimal_places` alone. */
const places = /^\\d\*\\\.\?\\d\{0,(\d+)\}0\*\$$/;
/** `max_digits` with `decimal_places`. */
const wholeAndPlaces = /^\(\?:\\d\{0,(\d+)\}\|\(\?=\[\\d\.\]\{1,\d+\}0\*\$\)\\d\{0,\1\}\\\.\\d\{0,(\d+)\}0\*\$\)$/;
/** `max_digits` alone. */
const digits = /^\(\?:\\d\{0,(\d+)\}\|\(\?=\[\\d\.\]\{1,\d+\}0\*\$\)\\d\*\\\.\\d\*0\*\$\)$/;

/** A pattern without looking ahead whose texts are decimals that pydantic's pattern for them allows. */
export function decimalText(source: string): string | undefined {
  if (!source.startsWith(opening)) return undefined;
  const body = source.slice(opening.length);
  if (body === String.raw`\d*\.?\d*$`) return decimal([[maxDigits, maxDigits]]);
  const counts = [places, wholeAndPlaces, digits].map((one) => one.exec(body)?.slice(1).map(Number));
  if (counts[0]) return decimal([[maxDigits, counts[0][0]!]]);
  if (counts[1]) return decimal([[counts[1][0]!, counts[1][1]!]]);
  const most = counts[2]?.[0];
  if (most === undefined) return undefined;
  return decimal(Array.from({ length: most + 1 }, (_, whole) => [whole, most - whole]));
}

/** At most so many digits before and behind the point, for any of the pairs. */
function decimal(pairs: readonly (readonly [whole: number, places: number])[]): string {
  const alternatives = pairs.map(([whole, decimals]) => {
    const before = whole === 0 ? '0' : `(?:0|[1-9]\\d{0,${whole - 1}})`;
    return `${before}${decimals === 0 ? '' : `(?:\\.\\d{1,${decimals}})?`}`;
  });
  return `^-?(?:${alternatives.join('|')})$`;
}
