import type { Layout } from '../engine/tokens.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** A prompt for people: pictures with their grids, then ids with pieces; equal neighbours are counted. */
export function layoutText({ tokenizer, ids, pieces, images }: Layout): string {
  const pictures = images.map(({ source, width, height, seen, grid, tokens }) => [
    printable(source),
    `${width}x${height}`,
    `seen as ${seen.join('x')}`,
    `grid ${grid.join('x')}`,
    `${tokens} ids`,
  ]);
  const rows: string[][] = [];
  for (let at = 0; at < ids.length;) {
    let end = at + 1;
    while (ids[end] === ids[at]) end++;
    rows.push([String(ids[at]), printable(JSON.stringify(pieces[at])), end - at > 1 ? `x ${end - at}` : '']);
    at = end;
  }
  return `${table(pictures)}${table(rows)}${ids.length} ids, template ${tokenizer}\n`;
}
