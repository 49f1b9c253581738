import type { Pixels } from './patches.ts';

/** Pixels that are `aspect` times wider than high, as square ones: more of them along their longer side. */
export function stretched(pixels: Pixels, aspect: number): Pixels {
  if (aspect === 1) return pixels;
  return aspect > 1 ? wider(pixels, aspect) : higher(pixels, 1 / aspect);
}

function wider(pixels: Pixels, factor: number): Pixels {
  const width = Math.max(1, Math.round(pixels.width * factor));
  const places = placesOf(width, pixels.width);
  return {
    ...pixels,
    width,
    lines(first, count) {
      const source = pixels.lines(first, count);
      const lines = new Uint8Array(width * count * 4);
      for (let y = 0, at = 0; y < count; y++) {
        const line = y * pixels.width * 4;
        for (const { before, after, share } of places) {
          for (let channel = 0; channel < 4; channel++, at++) {
            const value = source[line + before * 4 + channel]!;
            lines[at] = value + share * (source[line + after * 4 + channel]! - value) + 0.5;
          }
        }
      }
      return lines;
    },
  };
}

function higher(pixels: Pixels, factor: number): Pixels {
  const height = Math.max(1, Math.round(pixels.height * factor));
  const places = placesOf(height, pixels.height);
  const lineLength = pixels.width * 4;
  return {
    ...pixels,
    height,
    lines(first, count) {
      const wanted = places.slice(first, first + count);
      const top = wanted[0]!.before;
      const source = pixels.lines(top, wanted.at(-1)!.after - top + 1);
      const lines = new Uint8Array(lineLength * count);
      let at = 0;
      for (const { before, after, share } of wanted) {
        const above = (before - top) * lineLength;
        const below = (after - top) * lineLength;
        for (let byte = 0; byte < lineLength; byte++, at++) {
          const value = source[above + byte]!;
          lines[at] = value + share * (source[below + byte]! - value) + 0.5;
        }
      }
      return lines;
    },
  };
}

/** Between which two pixels of `from` each of `to` lies, and how near to the second. */
function placesOf(to: number, from: number): { before: number; after: number; share: number }[] {
  return Array.from({ length: to }, (_, index) => {
    const centre = Math.min(from - 1, Math.max(0, ((index + 0.5) * from) / to - 0.5));
    const before = Math.floor(centre);
    return { before, after: Math.min(from - 1, before + 1), share: centre - before };
  });
}
