import type { SampleFormat } from './layout.ts';
import type { Values } from './stored.ts';

/** Samples as shares of a range, in steps of 1/255 or 1/65535. */
export interface Shares {
  values: Uint8Array | Uint16Array;
  maximum: 255 | 65_535;
  warnings: string[];
}

interface Range {
  low: number;
  high: number;
}

/**
 * Whole numbers are shares of what their type can hold: without negative ones, of what is above 0. Floating-point
 * numbers are shares of 1 when all are from 0 to 1, else of the span from the least to the greatest, with a warning.
 * What is no number, or stands for none, is 0.
 */
export function sharesOf(
  stored: Values,
  {
    bits,
    format,
    maximum,
    noData,
  }: { bits: number; format: SampleFormat; maximum: 255 | 65_535; noData: number | undefined },
): Shares {
  if (stored instanceof Uint8Array && format === 'unsigned' && bits === 8 && maximum === 255) {
    return { values: stored, maximum, warnings: [] };
  }
  const { range, warnings } =
    format === 'unsigned' ? unsignedRange(stored, bits) : measuredRange(stored, { bits, format, noData });
  const values = new (maximum === 255 ? Uint8Array : Uint16Array)(stored.length);
  const factor = maximum / (range.high - range.low);
  const share = (value: number): number => {
    if (value === noData || Number.isNaN(value)) return 0;
    return Math.round(Math.min(maximum, Math.max(0, (value - range.low) * factor)));
  };
  if (format === 'unsigned' && bits <= 16) {
    const table = Uint16Array.from({ length: 2 ** bits }, (_, value) => share(value));
    for (let at = 0; at < values.length; at++) values[at] = table[stored[at]!]!;
  } else {
    for (let at = 0; at < values.length; at++) values[at] = share(stored[at]!);
  }
  return { values, maximum, warnings };
}

/** A sixteenth of the range or less looks black: scientists' cameras store 12 bits in 16. */
function unsignedRange(stored: Values, bits: number): { range: Range; warnings: string[] } {
  const high = 2 ** bits - 1;
  if (bits <= 8) return { range: { low: 0, high }, warnings: [] };
  let greatest = 0;
  for (let at = 0; at < stored.length; at++) if (stored[at]! > greatest) greatest = stored[at]!;
  const dark = greatest > 0 && greatest <= high / 16;
  const warning = `its samples of ${bits} bits reach no further than ${greatest} of ${high}: it is shown as dark as that is`;
  return { range: { low: 0, high }, warnings: dark ? [warning] : [] };
}

function measuredRange(
  stored: Values,
  { bits, format, noData }: { bits: number; format: SampleFormat; noData: number | undefined },
): { range: Range; warnings: string[] } {
  const { least, greatest, missing } = extremes(stored, noData);
  if (format === 'signed') {
    const top = 2 ** (bits - 1);
    if (least >= 0) return { range: { low: 0, high: top - 1 }, warnings: [] };
    const warning = `its samples have negative values: ${-top} is shown as black and ${top - 1} as white`;
    return { range: { low: -top, high: top - 1 }, warnings: [warning] };
  }
  const warnings = missing ? ['some of its samples are no numbers: they are shown as black'] : [];
  if (least > greatest) return { range: { low: 0, high: 1 }, warnings };
  if (least >= 0 && greatest <= 1) return { range: { low: 0, high: 1 }, warnings };
  warnings.push(
    `its samples go from ${short(least)} to ${short(greatest)}, not from 0 to 1: the least is shown as black and the greatest as white`,
  );
  return { range: { low: least, high: least === greatest ? least + 1 : greatest }, warnings };
}

function extremes(stored: Values, noData: number | undefined): { least: number; greatest: number; missing: boolean } {
  let least = Infinity;
  let greatest = -Infinity;
  let missing = false;
  for (let at = 0; at < stored.length; at++) {
    const value = stored[at]!;
    if (value === noData) continue;
    if (!Number.isFinite(value)) {
      missing ||= Number.isNaN(value);
      continue;
    }
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return { least, greatest, missing };
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
