import type { Element } from 'domhandler';
import { loadSharp } from '../vips.ts';
import { elementsOf, localName } from './document.ts';

/** More are no drawing's. */
const maxPixels = 100_000_000;
const carried = /^\s*data:image\/(?!png|jpe?g|svg)[^;,]*(?:;[^;,]*)*;base64,/i;

export function carriesOthers(text: string): boolean {
  return /data:image\/(?!png|jpe?g|svg)/i.test(text);
}

/** Pictures in an SVG that the renderer does not know (WebP, AVIF, GIF) become PNG. @returns whether all did */
export async function carryAsPng(root: Element): Promise<boolean> {
  let areAll = true;
  for (const element of elementsOf(root)) {
    if (!['image', 'feImage'].includes(localName(element))) continue;
    for (const name of ['href', 'xlink:href']) {
      const place = element.attribs[name];
      const [opening] = carried.exec(place ?? '') ?? [];
      if (place === undefined || opening === undefined) continue;
      const png = await asPng(Buffer.from(place.slice(opening.length), 'base64'));
      if (png) element.attribs[name] = `data:image/png;base64,${png.toString('base64')}`;
      else areAll = false;
    }
  }
  return areAll;
}

async function asPng(bytes: Buffer): Promise<Buffer | undefined> {
  const sharp = await loadSharp();
  return sharp(bytes, { limitInputPixels: maxPixels })
    .png({ compressionLevel: 1 })
    .toBuffer()
    .catch(() => undefined);
}
