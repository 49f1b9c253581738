import { damaged } from './damaged.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { rgbaPixels } from './raw-pixels.ts';

const headerLength = 14;

export function isQoi(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, 4) === 'qoif' && bytes.byteLength >= headerLength;
}

export function openQoi({ bytes, name }: OpenRequest): Opened {
  const view = viewOf(bytes);
  const size = { width: view.getUint32(4), height: view.getUint32(8) };
  checkSize(size, name);
  return { pageCount: 1, page: async () => decode(bytes, size, name) };
}

/** Source: the specification at qoiformat.org, version 1.0 */
function decode(bytes: Uint8Array, { width, height }: { width: number; height: number }, name: string): Pixels {
  const pixels = new Uint8Array(width * height * 4);
  const seen = new Uint8Array(64 * 4);
  let [red, green, blue, alpha] = [0, 0, 0, 255];
  let at = headerLength;
  for (let to = 0; to < pixels.length;) {
    if (at >= bytes.length) throw damaged(name, 'QOI', cutShort);
    const head = bytes[at++]!;
    let run = 1;
    if (head >= 0xfe) {
      [red, green, blue] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
      at += 3;
      if (head === 0xff) alpha = bytes[at++] ?? 0;
    } else if (head < 0x40) {
      [red, green, blue, alpha] = seen.subarray(head * 4, head * 4 + 4) as unknown as [number, number, number, number];
    } else if (head < 0x80) {
      red = (red + ((head >> 4) & 3) - 2) & 255;
      green = (green + ((head >> 2) & 3) - 2) & 255;
      blue = (blue + (head & 3) - 2) & 255;
    } else if (head < 0xc0) {
      const second = bytes[at++] ?? 0;
      const change = (head & 63) - 32;
      red = (red + change + (second >> 4) - 8) & 255;
      green = (green + change) & 255;
      blue = (blue + change + (second & 15) - 8) & 255;
    } else {
      run = (head & 63) + 1;
    }
    seen.set([red, green, blue, alpha], ((red * 3 + green * 5 + blue * 7 + alpha * 11) % 64) * 4);
    for (; run > 0 && to < pixels.length; run--, to += 4) {
      pixels[to] = red;
      pixels[to + 1] = green;
      pixels[to + 2] = blue;
      pixels[to + 3] = alpha;
    }
  }
  if (at > bytes.length) throw damaged(name, 'QOI', cutShort);
  return rgbaPixels({ width, height, bytes: pixels });
}
