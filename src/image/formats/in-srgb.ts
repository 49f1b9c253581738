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

/** Whether an ICC profile is one for these colours. One for red, green and blue tells of grey as of three equal ones. */
export function profileFits(profile: Uint8Array, model: ColourModel): boolean {
  const space = ascii(profile, 16, 4);
  return ascii(profile, 36, 4) === 'acsp' && (space === spaces[model] || (model === 'grey' && space === spaces.rgb));
}

/** Full light of what inSrgb is to be given: sharp asks LittleCMS to convert grey of 8 bits only. */
export function profiledMaximum(
  profile: Uint8Array,
  { model, bits }: { model: ColourModel; bits: number },
): 255 | 65_535 {
  return bits > 8 && (model !== 'grey' || isForRgb(profile)) ? 65_535 : 255;
}

/** Converted by LittleCMS in libvips: [height, width, 4] bytes, opaque. */
export async function inSrgb(picture: Profiled, name: string): Promise<Uint8Array> {
  if (picture.model === 'grey' && isForRgb(picture.profile)) {
    return inSrgb({ ...picture, model: 'rgb', values: tripled(picture.values) }, name);
  }
  if (picture.values instanceof Uint16Array) return deepInSrgb(picture, name);
  const opened = await openWithVips({ bytes: plainTiff(picture), name, format: 'TIFF' });
  const pixels = await opened.page(0);
  return pixels.lines(0, picture.height);
}

function isForRgb(profile: Uint8Array): boolean {
  return ascii(profile, 16, 4) === spaces.rgb;
}

function tripled(values: Profiled['values']): Profiled['values'] {
  const three = values instanceof Uint16Array ? new Uint16Array(values.length * 3) : new Uint8Array(values.length * 3);
  for (let at = 0; at < three.length; at++) three[at] = values[Math.floor(at / 3)]!;
  return three;
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
