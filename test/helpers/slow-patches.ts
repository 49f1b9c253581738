import { type GridConfig, imageGrid } from '../../src/image/pixels/grid.ts';
import type { Pixels } from '../../src/image/pixels/patches.ts';
import { rgbOf } from './pixels.ts';

const mean = [0.48145466, 0.4578275, 0.40821073];
const deviation = [0.26862954, 0.26130258, 0.27577711];

/** OpenCV's cubic kernel (a = -0.75) as a textbook writes it. */
function cubic(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return 1.25 * d ** 3 - 2.25 * d ** 2 + 1;
  return d < 2 ? -0.75 * d ** 3 + 3.75 * d ** 2 - 6 * d + 3 : 0;
}

/** Pixel by pixel, sixteen neighbours each, in float64: what picturePatches must compute, slowly. */
export function slowPatches(pixels: Pixels, config: GridConfig): number[] {
  const grid = imageGrid(pixels, config);
  const { width, height } = pixels;
  const rgb = rgbOf(pixels);
  const { patchSize: patch } = config;
  const values: number[] = [];
  const at = (x: number, y: number, channel: number): number => {
    const left = ((x + 0.5) * width) / grid.width - 0.5;
    const top = ((y + 0.5) * height) / grid.height - 0.5;
    let sum = 0;
    for (let j = Math.floor(top) - 1; j <= Math.floor(top) + 2; j++) {
      for (let i = Math.floor(left) - 1; i <= Math.floor(left) + 2; i++) {
        const column = Math.min(Math.max(i, 0), width - 1);
        const row = Math.min(Math.max(j, 0), height - 1);
        sum += rgb[(row * width + column) * 3 + channel]! * cubic(left - i) * cubic(top - j);
      }
    }
    return (sum / 255 - mean[channel]!) / deviation[channel]!;
  };
  for (let top = 0; top < grid.height; top += patch) {
    for (let left = 0; left < grid.width; left += patch) {
      for (let channel = 0; channel < 3; channel++) {
        for (let y = top; y < top + patch; y++) {
          for (let x = left; x < left + patch; x++) values.push(at(x, y, channel));
        }
      }
    }
  }
  return values;
}
