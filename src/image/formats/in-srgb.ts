import { ascii } from './opened.ts';
import { plainTiff } from './plain-tiff.ts';
import { openWithVips } from './vips.ts';

export interface Profiled {
  width: number;
  height: number;
  model: ColourModel;
  /** [height, width, samples], without transparency. */
  values: Uint8Array | Uint16Array;
  profile: Uint8Array;
}

export type ColourModel = 'grey' | 'rgb' | 'cmyk';

const spaces: Readonly<Record<ColourModel, string>> = { grey: 'GRAY', rgb: 'RGB ', cmyk: 'CMYK' };

/** Whether an ICC profile is one for these colours. */
export function profileFits(profile: Uint8Array, model: ColourModel): boolean {
  return ascii(profile, 16, 4) === spaces[model] && ascii(profile, 36, 4) === 'acsp';
}

/** Converted by LittleCMS in libvips: [height, width, 4] bytes, opaque. */
export async function inSrgb(picture: Profiled, name: string): Promise<Uint8Array> {
  const opened = await openWithVips({ bytes: plainTiff(picture), name, format: 'TIFF' });
  const pixels = await opened.page(0);
  return pixels.lines(0, picture.height);
}
