/** What lengths are relative to, in CSS pixels. */
export interface LengthContext {
  /** Of the root. */
  fontSize: number;
  width: number;
  height: number;
}

/** CSS pixels: 96 of them are an inch. Source: CSS Values and Units, 6.2. */
const absolute: Readonly<Record<string, number>> = {
  px: 1,
  pt: 96 / 72,
  pc: 16,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  q: 96 / 101.6,
};

const number = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
const oneLength = new RegExp(`^\\s*(${number})([a-z%]*)\\s*$`, 'i');
/** Not behind a letter or a sign of a name, and none that the renderer gets right by itself. */
const otherLengths = new RegExp(`(?<![\\w#.%-])(${number})(pt|pc|in|cm|mm|q|rem|ch|vw|vh|vmin|vmax)(?![\\w%-])`, 'gi');

/** A length in CSS pixels; undefined for shares of something and for what is no length. */
export function pixelsOf(length: string | undefined, context: LengthContext): number | undefined {
  const [, value, unit = ''] = oneLength.exec(length ?? '') ?? [];
  if (value === undefined || unit === '%') return undefined;
  const factor = unit === '' ? 1 : factorOf(unit.toLowerCase(), context);
  return factor === undefined ? undefined : Number(value) * factor;
}

/** A value with its lengths in pixels, where the renderer takes another size for them or none. */
export function inPixels(value: string, context: LengthContext): string {
  return value.replace(otherLengths, (_, amount: string, unit: string) => {
    return `${round(Number(amount) * (factorOf(unit.toLowerCase(), context) ?? 1))}px`;
  });
}

function factorOf(unit: string, { fontSize, width, height }: LengthContext): number | undefined {
  const relative: Record<string, number> = {
    em: fontSize,
    rem: fontSize,
    ex: fontSize / 2,
    ch: fontSize / 2,
    vw: width / 100,
    vh: height / 100,
    vmin: Math.min(width, height) / 100,
    vmax: Math.max(width, height) / 100,
  };
  return absolute[unit] ?? relative[unit];
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
