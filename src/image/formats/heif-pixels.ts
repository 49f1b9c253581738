import type { CodePoints } from '../colour/code-points.ts';
import { unmultiply } from '../colour/opaque.ts';
import { type Samples, coloursOf, isSrgb, toSrgb, unknownColours } from '../colour/to-srgb.ts';
import type { Size } from './opened.ts';
import type { Pixels } from '../pixels/patches.ts';
import { type RawPixels, rgbaPixels } from './raw-pixels.ts';

export interface HeifSamples extends Size {
  samples: Samples;
  colours: CodePoints | undefined;
  /** Its colours are multiplied by how opaque they are. */
  isPremultiplied: boolean;
}

/** On white, by the file's numbers of colours. */
export function heifPixels(picture: HeifSamples): Pixels {
  const { colours } = picture;
  const unknown = colours && unknownColours(colours);
  const pixels = rgbaPixels(heifRaw(picture));
  return unknown === undefined ? pixels : { ...pixels, warnings: [unknown] };
}

/** In 8 bits, with its transparency. */
export function heifRaw({ width, height, samples, colours, isPremultiplied }: HeifSamples): RawPixels {
  if (isPremultiplied) unmultiply(samples);
  const { values, maximum } = samples;
  const isStoredSo = (colours === undefined || isSrgb(colours)) && maximum === 255 && values instanceof Uint8Array;
  return {
    width,
    height,
    bytes: isStoredSo ? values : toSrgb(samples, coloursOf(colours ?? { primaries: 1, transfer: 13 })),
  };
}
