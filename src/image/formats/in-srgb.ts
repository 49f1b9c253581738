import { damaged } from './damaged.ts';
import { rgbToRgb } from './rgb-bytes.ts';
import { ascii, viewOf } from './opened.ts';
import { plainTiff } from './plain-tiff.ts';
import { loadSharp, openWithVips } from './vips.ts';

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

/** Full light of what inSrgb is to be given: sharp asks LittleCMS to convert grey of 8 bits only. */
export function profiledMaximum(model: ColourModel, bits: number): 255 | 65_535 {
  return bits > 8 && model !== 'grey' ? 65_535 : 255;
}

/** Converted by LittleCMS in libvips: [height, width, 4] bytes, opaque. */
export async function inSrgb(picture: Profiled, name: string): Promise<Uint8Array> {
  if (picture.values instanceof Uint16Array) return deepInSrgb(picture, name);
  const opened = await openWithVips({ bytes: plainTiff(picture), name, format: 'TIFF' });
  const pixels = await opened.page(0);
  return pixels.lines(0, picture.height);
}

/** Asked for a space only, sharp leaves the profile of 16 bits aside: it has to be asked for a profile too. */
async function deepInSrgb(picture: Profiled, name: string): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const { data } = await sharp(plainTiff(picture), { limitInputPixels: false })
    .withIccProfile('srgb')
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true })
    .catch((thrown: unknown) => {
      throw damaged(name, 'TIFF', thrown); // its profile
    });
  const view = viewOf(data);
  const bytes = Uint8Array.from({ length: data.length / 2 }, (_, at) => Math.round(view.getUint16(at * 2, true) / 257));
  return rgbToRgb(bytes);
}
