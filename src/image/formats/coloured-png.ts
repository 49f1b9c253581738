import type { Canvas } from '@napi-rs/canvas';
import { type Samples, toSrgb } from '../colour/to-srgb.ts';
import { damaged } from './damaged.ts';
import type { Opened, Size } from './opened.ts';
import type { EncodedPng } from './png.ts';
import type { PngColours } from './png-colours.ts';
import type { Pixels } from '../pixels/patches.ts';
import { uprightRaw } from './skia.ts';
import { loadSharp } from './vips.ts';

/** A PNG whose colours are no sRGB's and no profile's; libvips gives its samples in all their bits. */
export function openColouredPng(png: EncodedPng, colours: PngColours, name: string): Opened {
  return {
    pageCount: 1,
    async page() {
      const inspected = png.inspection?.inspect();
      if (inspected?.kind === 'damaged') throw damaged(name, 'PNG', inspected.found);
      const samples = await samplesOf(png.bytes).catch((thrown: unknown) => {
        throw damaged(name, 'PNG', thrown);
      });
      return inSrgb(samples, colours, png.orientation);
    },
  };
}

/** The same of what was drawn with colours as they are stored. */
export function colouredPixels(canvas: Canvas, colours: PngColours, orientation: number): Pixels {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const samples = { values: Uint8Array.from(data), maximum: 255 };
  return inSrgb({ width, height, samples }, colours, orientation);
}

function inSrgb(
  { width, height, samples }: Size & { samples: Samples },
  colours: PngColours,
  orientation: number,
): Pixels {
  if (!colours.isFullRange) spread(samples);
  const pixels = uprightRaw({ width, height, bytes: toSrgb(samples, colours) }, orientation);
  const { warning } = colours;
  return warning === undefined ? pixels : { ...pixels, warnings: [warning] };
}

/** Red, green, blue and how opaque, as they are stored. */
export async function samplesOf(bytes: Uint8Array): Promise<Size & { samples: Samples }> {
  const sharp = await loadSharp();
  const picture = sharp(bytes, { failOn: 'none', limitInputPixels: false }); // its damage has been looked for
  const isDeep = (await picture.metadata()).depth === 'ushort';
  const { data, info } = await picture
    .toColourspace(isDeep ? 'rgb16' : 'srgb')
    .ensureAlpha()
    .raw({ depth: isDeep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const samples = isDeep
    ? { values: new Uint16Array(Uint8Array.from(data).buffer), maximum: 65_535 }
    : { values: data, maximum: 255 };
  return { width, height, samples };
}

/** Of 8 bits 16 to 235 are used, and of 16 as much; in place. Source: ITU-T H.273, 8.3. */
function spread({ values, maximum }: Samples): void {
  const unit = (maximum + 1) / 256;
  for (let at = 0; at < values.length; at++) {
    if (at % 4 === 3) continue;
    const full = ((values[at]! - 16 * unit) * maximum) / (219 * unit);
    values[at] = Math.max(0, Math.min(maximum, Math.round(full)));
  }
}
