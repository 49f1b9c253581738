import { PixtralError } from '../../base/errors.ts';
import type { Selection } from './selection.ts';

/**
 * The pages to read, 1-based, in the order asked for.
 * @throws PixtralError `input` for a page that is not there, or for more than `maxPages`: never fewer without a word
 */
export function selectedPages(
  selection: Selection | undefined,
  { name, pageCount, maxPages }: { name: string; pageCount: number; maxPages: number },
): number[] {
  const ranges = rangesOf(selection, pageCount);
  for (const { first, last } of ranges) {
    const missing = first < 1 ? first : last;
    if (missing >= 1 && missing <= pageCount && first <= last) continue;
    throw new PixtralError('input', `${name}: has ${pages(pageCount)}, expected page ${missing} to be among them`);
  }
  const length = ranges.reduce((sum, { first, last, step }) => sum + Math.floor((last - first) / step) + 1, 0);
  if (length > maxPages) {
    throw new PixtralError('input', `${name}: ${pages(length)} to read, expected at most ${maxPages}`, {
      hint: `choose some: '#1-${maxPages}' or '#every=${Math.ceil(pageCount / maxPages)}' after its name`,
    });
  }
  return ranges.flatMap(({ first, last, step }) =>
    Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step),
  );
}

function rangesOf(
  selection: Selection | undefined,
  pageCount: number,
): { first: number; last: number; step: number }[] {
  if (!selection) return [{ first: 1, last: pageCount, step: 1 }];
  if (selection.kind === 'every') return [{ first: 1, last: pageCount, step: selection.step }];
  return selection.ranges.map(([first, last]) => ({ first, last, step: 1 }));
}

function pages(count: number): string {
  return count === 1 ? '1 page' : `${count} pages`;
}
