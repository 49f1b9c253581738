import type { PictureReceipt } from '../asking/events.ts';
import type { Layout } from '../engine/tokens.ts';
import { pictureLabel } from './picture-label.ts';
import { printable, printableLine } from './printable.ts';
import { table } from './table.ts';

/** A prompt for people: pictures with their grids, then ids with pieces; equal neighbours are counted. */
export function layoutText({ tokenizer, ids, pieces, images }: Layout): string {
  const pictures = images.map(receiptCells);
  const rows: string[][] = [];
  for (let at = 0; at < ids.length;) {
    let end = at + 1;
    while (ids[end] === ids[at]) end++;
    rows.push([String(ids[at]), printable(JSON.stringify(pieces[at])), end - at > 1 ? `x ${end - at}` : '']);
    at = end;
  }
  const imageIds = images.reduce((sum, { tokens }) => sum + tokens, 0);
  const share = images.length > 1 ? ` (${imageIds} of ${images.length} images)` : '';
  return `${table(pictures)}${table(rows)}${ids.length} ids${share}, template ${tokenizer}\n`;
}

/** One picture's line of a table. */
export function receiptCells(receipt: PictureReceipt): string[] {
  const { width, height, seen, grid, tokens } = receipt;
  return [
    printableLine(pictureLabel(receipt)),
    `${width}x${height}`,
    `seen as ${seen.join('x')}`,
    `grid ${grid.join('x')}`,
    `${tokens} ids`,
  ];
}
