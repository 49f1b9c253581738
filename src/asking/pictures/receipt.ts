import type { Picture } from '../../image/decoder/load.ts';
import type { ImageReceipt, PictureReceipt } from '../events.ts';

/** What a picture's owner is told of it. */
export function pictureReceipt({
  source,
  page,
  crop,
  sha256,
  width,
  height,
  grid,
  text,
  warnings,
}: Picture): PictureReceipt {
  return {
    source,
    ...(page !== undefined && { page }),
    ...(crop && { crop: [crop.x, crop.y, crop.width, crop.height] as const }),
    sha256,
    width,
    height,
    seen: [grid.width, grid.height],
    grid: [grid.columns, grid.rows],
    tokens: (grid.columns + 1) * grid.rows, // each row ends with a break, the last one with the end
    ...(text !== undefined && { text: text.length }),
    ...(warnings && { warnings }),
  };
}

/** And once it was answered about. */
export function imageReceipt(picture: Picture, cached: ReadonlySet<Picture>): ImageReceipt {
  return { ...pictureReceipt(picture), cached: cached.has(picture) };
}
