import type { Crop } from './crop.ts';
import type { GridConfig } from './grid.ts';

export interface Tile {
  crop: Crop;
  /** `top left`, `row 2 of 5, right`. */
  position: string;
}

/** Of a tile's side, shared with its neighbour: a line of text that one tile cuts is whole in the other. */
const overlap = 1 / 16;

/**
 * The parts of a picture that show all of it at full resolution, row by row; none for a picture that the model sees
 * so anyway. Where `maxTiles` do not suffice they are larger, and shrunk as little as possible.
 */
export function planTiles(
  { width, height }: { width: number; height: number },
  { image, maxTiles }: { image: GridConfig; maxTiles: number },
): Tile[] {
  if (Math.max(width, height) <= image.maxImageSize) return [];
  const { columns, rows } = fewestTiles({ width, height }, { image, maxTiles });
  if (columns * rows === 1) return [];
  const across = stretches(width, columns);
  const down = stretches(height, rows);
  return down.flatMap(([y, tileHeight], row) =>
    across.map(([x, tileWidth], column) => ({
      crop: { x, y, width: tileWidth, height: tileHeight },
      position: position({ row, rows, column, columns }),
    })),
  );
}

/** Of all divisions the one that shrinks least, and of those the one with fewest tiles. */
function fewestTiles(
  { width, height }: { width: number; height: number },
  { image, maxTiles }: { image: GridConfig; maxTiles: number },
): { columns: number; rows: number } {
  let best = { columns: 1, rows: 1, shrink: Infinity };
  for (let columns = 1; columns <= maxTiles; columns++) {
    for (let rows = 1; rows * columns <= maxTiles; rows++) {
      const side = Math.max(tileSide(width, columns), tileSide(height, rows));
      const shrink = Math.max(1, side / image.maxImageSize);
      const isFewer = shrink === best.shrink && columns * rows < best.columns * best.rows;
      if (shrink < best.shrink || isFewer) best = { columns, rows, shrink };
    }
  }
  return best;
}

function tileSide(length: number, count: number): number {
  return Math.ceil(length / (count - (count - 1) * overlap));
}

/** Equal stretches from end to end, each with its start. */
function stretches(length: number, count: number): [start: number, length: number][] {
  const side = tileSide(length, count);
  const step = count === 1 ? 0 : (length - side) / (count - 1);
  return Array.from({ length: count }, (_, index) => [Math.round(index * step), side]);
}

function position({ row, rows, column, columns }: Record<'row' | 'rows' | 'column' | 'columns', number>): string {
  const vertical = sideName(row, rows, ['top', 'middle', 'bottom', 'row']);
  const horizontal = sideName(column, columns, ['left', 'centre', 'right', 'column']);
  const between = rows > 3 || columns > 3 ? ', ' : ' ';
  return [vertical, horizontal].filter((name) => name !== '').join(between);
}

function sideName(index: number, count: number, names: [string, string, string, string]): string {
  const [first, middle, last, numbered] = names;
  if (count === 1) return '';
  if (count > 3) return `${numbered} ${index + 1} of ${count}`;
  if (index === 0) return first;
  return index === count - 1 ? last : middle;
}
