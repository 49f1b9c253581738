import type { Grid, GridConfig } from './grid.ts';
import { deviation, mean } from './patches.ts';

/** Bytes of an opaque picture. */
export interface Rgb {
  width: number;
  height: number;
  /** [height, width, 3] */
  bytes: Uint8Array;
}

/**
 * The patches that the vision tower gets as a picture again. Values become whole steps of 0 to 255.
 * @param patches as picturePatches gives them
 * @returns `clamped`: how many values lie beyond 0..255, where the cubic resize swings over an edge
 */
export function seenPixels(
  { grid, patches }: { grid: Grid; patches: Float32Array },
  { patchSize }: Pick<GridConfig, 'patchSize'>,
): Rgb & { clamped: number } {
  const { width, height } = grid;
  const bytes = new Uint8Array(width * height * 3);
  let clamped = 0;
  let at = 0;
  for (let top = 0; top < height; top += patchSize) {
    for (let left = 0; left < width; left += patchSize) {
      for (let channel = 0; channel < 3; channel++) {
        const scale = deviation[channel]! * 255;
        const shift = mean[channel]! * 255;
        for (let y = top; y < top + patchSize; y++) {
          let to = (y * width + left) * 3 + channel;
          for (let x = 0; x < patchSize; x++) {
            // As Math.round, which takes half as long again: sums with `shift` end far before the bit that they differ in.
            const value = Math.floor(patches[at++]! * scale + shift + 0.5);
            if (value < 0 || value > 255) clamped++;
            bytes[to] = value < 0 ? 0 : value > 255 ? 255 : value;
            to += 3;
          }
        }
      }
    }
  }
  return { width, height, bytes, clamped };
}
