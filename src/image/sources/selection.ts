import { PixtralError } from '../../base/errors.ts';

/** Which pages or frames of a source: `#2-5`, `#1,3`, `#every=10`; undefined: all up to the limit. Page numbers are 1-based. */
export type Selection =
  | { kind: 'pages'; ranges: readonly (readonly [first: number, last: number])[] }
  | { kind: 'every'; step: number };

/** What stands before the last `#` of a word, and what behind it. */
export function splitSelection(word: string): { at: string; fragment: string } | undefined {
  const sign = word.lastIndexOf('#');
  return sign > 0 ? { at: word.slice(0, sign), fragment: word.slice(sign + 1) } : undefined;
}

/** Means to select pages, well or badly; a URL may carry any other fragment. */
export function isSelection(fragment: string): boolean {
  return /^\d|^every=/.test(fragment);
}

/** @param word the whole source, for messages. @throws PixtralError `usage` */
export function parseSelection(fragment: string, word: string): Selection {
  const [, step] = /^every=(.*)$/.exec(fragment) ?? [];
  if (step !== undefined) return { kind: 'every', step: pageNumber(step, word) };
  return { kind: 'pages', ranges: fragment.split(',').map((part) => parseRange(part, word)) };
}

/** As `parseSelection` reads it. */
export function selectionText(selection: Selection): string {
  if (selection.kind === 'every') return `every=${selection.step}`;
  return selection.ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

function parseRange(part: string, word: string): [first: number, last: number] {
  const [first = '', last = first, ...more] = part.split('-');
  if (more.length > 0) throw badSelection(word, `${JSON.stringify(part)} is no range of pages`);
  const range: [number, number] = [pageNumber(first, word), pageNumber(last, word)];
  if (range[0] <= range[1]) return range;
  throw badSelection(word, `page ${range[0]} comes after page ${range[1]}`);
}

function pageNumber(text: string, word: string): number {
  if (!/^\d{1,9}$/.test(text)) throw badSelection(word, `${JSON.stringify(text)} is no page number`);
  if (Number(text) === 0) throw badSelection(word, 'pages and frames count from 1');
  return Number(text);
}

function badSelection(word: string, what: string): PixtralError {
  return new PixtralError('usage', `${word}: ${what}, expected pages such as #2-5, #1,3 or #every=10`, {
    hint: 'if # is part of a name: no such file is there; write %23 for it in a URL',
  });
}
