import { boxPlaces, brandsOf, isCutShort, largestSize } from './boxes.ts';
import { damaged } from './damaged.ts';
import { type Opened, ascii, cutShort, viewOf } from './formats.ts';
import { checkSize } from './limits.ts';
import type { Pixels } from './patches.ts';
import { type RawPixels, rgbaPixels } from './raw-pixels.ts';
import type { OpenRequest } from './sniff.ts';
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
  const images = attempt(name, () => new libheif.HeifDecoder().decode(bytes));
  if (images.length === 0) throw damaged(name, 'HEIC', 'has no picture in it that can be decoded');
  const profile = profileOf(bytes);
  return {
    pageCount: images.length,
    async page(index) {
      const image = images[index]!;
      const [width, height] = [image.get_width(), image.get_height()];
      checkSize({ width, height }, name);
      const target = { width, height, data: new Uint8ClampedArray(width * height * 4) };
      const decoded = await new Promise((resolve) => attempt(name, () => image.display(target, resolve)));
      if (!decoded) throw damaged(name, 'HEIC', 'cannot be decoded');
      const bytes = new Uint8Array(target.data.buffer);
      return profile ? converted({ width, height, bytes }, { profile, name }) : rgbaPixels({ width, height, bytes });
    },
    close() {
      for (const image of images) image.free();
    },
  };
}

function attempt<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw damaged(name, 'HEIC', thrown);
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
