import type { Pixels } from '../pixels/patches.ts';
import { damaged } from './damaged.ts';
import type { Opened, Size } from './opened.ts';
import { loadSharp } from './vips.ts';

/** Below, loading libvips takes longer than it saves. */
const smallest = 2_000_000;
/** Above, coefficients and pixels, once more to turn them, would come near the limit of memory. */
const largest = 64_000_000;

export function isLargeJpeg({ size, channels, profile }: JpegHeader): boolean {
  const pixels = size ? size.width * size.height : 0;
  return pixels >= smallest && pixels <= largest && !profile && (channels === 1 || channels === 3);
}

interface JpegHeader {
  size: Size | undefined;
  channels: number;
  profile: boolean;
}

/**
 * A large JPEG in grey or colours that are sRGB's. Skia and libvips have the same decoder inside, equal to the last bit;
 * from libvips its pixels come as they are, and need not be drawn onto a canvas, which takes as long again.
 */
export function openLargeJpeg({ bytes, name }: { bytes: Uint8Array; name: string }): Opened {
  return { pageCount: 1, page: () => decode(bytes, name) };
}

async function decode(bytes: Uint8Array, name: string): Promise<Pixels> {
  const sharp = await loadSharp();
  const { data, info } = await sharp(bytes, { failOn: 'truncated', limitInputPixels: false })
    .autoOrient()
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((thrown: unknown) => {
      throw damaged(name, 'JPEG', thrown);
    });
  const { width, height } = info;
  const rgbLines = (first: number, count: number): Uint8Array =>
    data.subarray(first * width * 3, (first + count) * width * 3);
  return { width, height, rgbLines, lines: (first, count) => asFours(rgbLines(first, count)) };
}

function asFours(rgb: Uint8Array): Uint8Array {
  const fours = new Uint8Array((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    fours[to] = rgb[from]!;
    fours[to + 1] = rgb[from + 1]!;
    fours[to + 2] = rgb[from + 2]!;
    fours[to + 3] = 255;
  }
  return fours;
}
