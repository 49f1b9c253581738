import { type OpenRequest, ascii } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Opened } from './opened.ts';
import { openWithVips } from './vips.ts';

/** Comments and declarations may stand before the first element. */
const openingLength = 16_384;
/** CSS pixels are 1/96 inch, yet libvips takes a picture at 72 dots per inch as one dot a pixel. */
const naturalDensity = 72;
/** What libvips accepts. */
const maxDensity = 100_000;

export function isSvg(bytes: Uint8Array): boolean {
  const opening = ascii(bytes, 0, openingLength);
  return (
    /^(\xef\xbb\xbf)?\s*</.test(opening) && /<(\w+:)?svg[\s>]/.test(opening) && !/^\s*<(!doctype )?html/i.test(opening)
  );
}

/**
 * Drawn so that the longer side is the model's maximum, or what was asked for. librsvg runs no scripts, and with no place to look from it
 * loads nothing but `data:` URIs.
 */
export async function openSvg({ bytes, name, image, drawSize = image.maxImageSize }: OpenRequest): Promise<Opened> {
  const natural = await openWithVips({ bytes, name, format: 'SVG' });
  const { width, height } = natural.size;
  checkSize({ width, height }, name);
  const scale = drawSize / Math.max(width, height);
  const density = Math.min(naturalDensity * scale, maxDensity);
  return { ...(await openWithVips({ bytes, name, format: 'SVG' }, Math.max(density, 1))), drawn: true };
}
