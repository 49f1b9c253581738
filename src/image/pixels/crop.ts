import { PixtralError } from '../../base/errors.ts';
import type { Pixels } from './patches.ts';

/** In pixels of the upright picture. */
export interface Crop {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A part of a picture. @throws PixtralError `input` when it reaches beyond the picture */
export function cropped(pixels: Pixels, crop: Crop, name: string): Pixels {
  const { x, y, width, height } = crop;
  const fits = x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= pixels.width && y + height <= pixels.height;
  if (!fits) {
    throw new PixtralError(
      'input',
      `${name}: is ${pixels.width}x${pixels.height}, expected to hold ${width}x${height} at ${x},${y}`,
    );
  }
  return {
    width,
    height,
    lines(first, count) {
      const whole = pixels.lines(y + first, count);
      const part = new Uint8Array(count * width * 4);
      for (let line = 0; line < count; line++) {
        const start = (line * pixels.width + x) * 4;
        part.set(whole.subarray(start, start + width * 4), line * width * 4);
      }
      return part;
    },
  };
}
