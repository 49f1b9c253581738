import type { PictureReceipt } from '../asking/events.ts';

/** `scan.tif, page 2, 900x900 at 0,843` */
export function pictureLabel({ source, page, crop }: Pick<PictureReceipt, 'source' | 'page' | 'crop'>): string {
  const part = crop && `${crop[2]}x${crop[3]} at ${crop[0]},${crop[1]}`;
  return [source, page === undefined ? undefined : `page ${page}`, part]
    .filter((text) => text !== undefined)
    .join(', ');
}
