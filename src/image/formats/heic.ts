import type Libheif from 'libheif-js/wasm-bundle.js';
import { boxPlaces, brandsOf, isCutShort, largestSize } from './boxes.ts';
import { damaged } from './damaged.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { type RawPixels, rgbaPixels } from './raw-pixels.ts';
import { rgbaTiff } from './tiff.ts';
import { openWithVips } from './vips.ts';

export function isHeic(bytes: Uint8Array): boolean {
  return /hei[cxms]|hev[cxms]|mif1|msf1/.test(brandsOf(bytes));
}

/** The decoder itself turns pictures by `irot` and `imir`; an EXIF orientation beside them must not count (23008-12). */
export async function openHeic({ bytes, name }: OpenRequest): Promise<Opened> {
  if (isCutShort(bytes)) throw damaged(name, 'HEIC', cutShort);
  const size = largestSize(bytes);
  if (size) checkSize(size, name);
  const { default: libheif } = await import('libheif-js/wasm-bundle.js');
  const decoder = new libheif.HeifDecoder();
  const images = await attempt(name, async () => decoder.decode(bytes));
  if (images.length === 0) throw damaged(name, 'HEIC', 'has no picture in it that can be decoded');
  const profile = profileOf(bytes);
  return {
    pageCount: images.length,
    async page(index) {
      const image = images[index]!;
      checkSize({ width: image.get_width(), height: image.get_height() }, name);
      const pixels = await attempt(name, () => decode(libheif, image.handle));
      return profile ? converted(pixels, { profile, name }) : rgbaPixels(pixels);
    },
    close() {
      for (const image of images) image.free();
      if (decoder.decoder) libheif.heif_context_free(decoder.decoder);
    },
  };
}

async function attempt<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    throw damaged(name, 'HEIC', thrown);
  }
}

/** Not by the package's own `display`, whose failures nobody can catch. */
async function decode(libheif: typeof Libheif, handle: object): Promise<RawPixels> {
  const { heif_colorspace_RGB: rgb } = libheif.heif_colorspace;
  const { heif_chroma_interleaved_RGBA: rgba } = libheif.heif_chroma;
  const decoded = await libheif.heif_js_decode_image2(handle, rgb, rgba);
  if (decoded.code !== undefined) throw new Error(decoded.message);
  try {
    const { width, height, stride, data } = decoded.channels[0]!;
    const bytes = new Uint8Array(width * height * 4);
    for (let line = 0; line < height; line++) {
      bytes.set(data.subarray(line * stride, line * stride + width * 4), line * width * 4);
    }
    return { width, height, bytes };
  } finally {
    libheif.heif_image_release(decoded.image);
  }
}

/** The ICC profile of the picture, which is that of its tiles too. */
function profileOf(bytes: Uint8Array): Uint8Array | undefined {
  const view = viewOf(bytes);
  for (const at of boxPlaces(bytes, 'colr')) {
    const end = at - 4 + view.getUint32(at - 4);
    if (/prof|rICC/.test(ascii(bytes, at + 4, 4)) && end <= bytes.byteLength) return bytes.subarray(at + 8, end);
  }
  return undefined;
}

/** To sRGB, by way of a file that says what the colours are. */
async function converted(raw: RawPixels, { profile, name }: { profile: Uint8Array; name: string }): Promise<Pixels> {
  const tiff = await openWithVips({ bytes: rgbaTiff(raw, profile), name, format: 'HEIC' });
  return tiff.page(0);
}
