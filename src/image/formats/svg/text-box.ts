import { createCanvas } from '@napi-rs/canvas';

/** How the letters of a label look, in CSS pixels. */
export interface TextStyle {
  fontSize: number;
  family: string;
  weight: string;
  slant: string;
  colour: string;
  decoration: string | undefined;
  /** Of a line; undefined: as the font has it. */
  lineHeight: number | undefined;
  align: 'left' | 'center' | 'right';
  /** Lines are broken where they are too long; spaces and line ends are kept. */
  wraps: boolean;
  keepsSpaces: boolean;
}

/** Letters of one style, as they stand in the file. */
export interface Run {
  text: string;
  style: TextStyle;
}

export type Item =
  | { kind: 'line'; x: number; baseline: number; anchor: 'start' | 'middle' | 'end'; runs: Run[] }
  | { kind: 'rectangle'; x: number; y: number; width: number; height: number; colour: string };

/** What was laid out, from its upper left corner. */
export interface TextBox {
  width: number;
  height: number;
  items: Item[];
}

export function moved(items: readonly Item[], right: number, down: number): Item[] {
  return items.map((item) =>
    item.kind === 'line'
      ? { ...item, x: item.x + right, baseline: item.baseline + down }
      : { ...item, x: item.x + right, y: item.y + down },
  );
}

/** A label that filled its line exactly where it was written fills it here too. */
const tolerance = 1.02;

/** Lines of what stands in a row, broken where `available` ends. */
export function layOutRuns(runs: readonly Run[], style: TextStyle, available: number): TextBox {
  const measure = createMeasure();
  const lines = brokenLines(runs, style.wraps ? available * tolerance : Infinity, measure);
  const widths = lines.map((line) => sum(line.map((run) => measure(run).width)));
  const width = Math.max(0, ...widths);
  const items: Item[] = [];
  let y = 0;
  for (const line of lines) {
    const tallest = line.reduce(
      (most, run) => (run.style.fontSize > most.style.fontSize ? run : most),
      line[0] ?? { text: '', style },
    );
    const { ascent, descent } = measure(tallest);
    const height = style.lineHeight ?? Math.max(ascent + descent, style.fontSize * 1.15);
    if (line.length > 0) {
      const anchor = ({ left: 'start', center: 'middle', right: 'end' } as const)[style.align];
      items.push({
        kind: 'line',
        x: 0,
        baseline: y + Math.floor((height - ascent - descent) / 2) + ascent,
        anchor,
        runs: line,
      });
    }
    y += height;
  }
  return { width, height: y, items };
}

/** Moves lines to where they are aligned in a box of that width. */
export function aligned(box: TextBox, width: number): TextBox {
  const place = { start: 0, middle: width / 2, end: width };
  const items = box.items.map((item) => (item.kind === 'line' ? { ...item, x: item.x + place[item.anchor] } : item));
  return { ...box, width, items };
}

type Measure = (run: Run) => { width: number; ascent: number; descent: number };

function createMeasure(): Measure {
  const context = createCanvas(1, 1).getContext('2d');
  return ({ text, style }) => {
    context.font = `${style.slant} ${style.weight} ${style.fontSize}px ${style.family}`;
    const { width, fontBoundingBoxAscent, fontBoundingBoxDescent } = context.measureText(plain(text));
    return { width, ascent: Math.round(fontBoundingBoxAscent), descent: Math.round(fontBoundingBoxDescent) }; // as browsers do
  };
}

/** Words go to the next line where they do not fit; a line end in the text begins one too. */
function brokenLines(runs: readonly Run[], available: number, measure: Measure): Run[][] {
  const lines: Run[][] = [[]];
  let width = 0;
  for (const run of runs) {
    for (const text of run.text.split(/(\n| +)/)) {
      if (text === '') continue;
      const word = { ...run, text };
      const { width: length } = text === '\n' ? { width: 0 } : measure(word);
      const isTooLong = width + length > available && text.trim() !== '' && width > 0;
      if (text === '\n' || isTooLong) {
        lines.push([]);
        width = 0;
      }
      if (text === '\n' || (text.trim() === '' && width === 0 && !run.style.keepsSpaces)) continue;
      lines.at(-1)!.push(word);
      width += length;
    }
  }
  return lines.map(joined);
}

/** Words of one style as one run, without spaces at the end. */
function joined(words: readonly Run[]): Run[] {
  const runs: Run[] = [];
  for (const word of words) {
    const last = runs.at(-1);
    if (last?.style === word.style) runs[runs.length - 1] = { ...last, text: last.text + word.text };
    else runs.push(word);
  }
  const last = runs.at(-1);
  if (last && !last.style.keepsSpaces) runs[runs.length - 1] = { ...last, text: last.text.trimEnd() };
  return runs;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/** With entities as the letters that they are. */
export function plain(text: string): string {
  return text.replace(/&(#x[\da-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole;
    const code = name[1] === 'x' || name[1] === 'X' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : '';
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
