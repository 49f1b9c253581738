import type { Pixels } from '../pixels/patches.ts';

export interface RawPixels {
  width: number;
  height: number;
  /** [height, width, 4] */
  bytes: Uint8Array;
}

/** Red, green, blue and how opaque, put on white as Pillow does: round((c * a + 255 * (255 - a)) / 255). */
export function rgbaPixels(raw: RawPixels): Pixels {
  return changedPixels(raw, (lines) => {
    const pixels = new Uint32Array(lines.buffer);
    for (let at = 0; at < lines.length; at += 4) {
      const alpha = lines[at + 3]!;
      if (alpha === 255) continue;
      if (alpha === 0) {
        pixels[at >> 2] = 0xff_ff_ff_ff; // the most of a page
        continue;
      }
      for (let channel = at; channel < at + 3; channel++) {
        lines[channel] = dividedBy255(lines[channel]! * alpha + 255 * (255 - alpha));
      }
    }
  });
}

/** Cyan, magenta, yellow and black of a file that does not say which inks they are: as Pillow takes them. */
export function cmykPixels(raw: RawPixels): Pixels {
  return changedPixels(raw, (lines) => {
    for (let at = 0; at < lines.length; at += 4) {
      const light = 255 - lines[at + 3]!;
      for (let channel = at; channel < at + 3; channel++) {
        lines[channel] = light - dividedBy255(lines[channel]! * light);
      }
    }
  });
}

/** @param change is given a copy of some lines that it may write to */
function changedPixels({ width, height, bytes }: RawPixels, change: (lines: Uint8Array) => void): Pixels {
  return {
    width,
    height,
    lines(first, count) {
      const lines = new Uint8Array(bytes.subarray(first * width * 4, (first + count) * width * 4));
      change(lines);
      return lines;
    },
  };
}

/** Rounded, for products of two bytes. */
export function dividedBy255(product: number): number {
  return (product + 128 + ((product + 128) >> 8)) >> 8;
}
