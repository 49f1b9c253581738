import { PixtralError } from '../../base/errors.ts';
import type { Size } from '../formats/opened.ts';

/** The decoder holds 4 bytes a pixel: beyond this a small file could take gigabytes. */
const maxPixels = 250_000_000;
/** Skia's own limit for a surface's side. */
const maxSide = 32_767;
/** From 2048 on the shorter side would be less than half a pixel of the 1024 that the model sees of the longer. */
const maxRatio = 2000;

/** Asked of the header, before anything is decoded. @throws PixtralError `input` for what is too large or too narrow */
export function checkSize({ width, height }: Size, name: string): void {
  const [shorter, longer] = width < height ? [width, height] : [height, width];
  if (shorter < 1) throw new PixtralError('input', `${name}: is ${width}x${height}, expected at least one pixel`);
  if (width * height > maxPixels || longer > maxSide) {
    throw new PixtralError(
      'input',
      `${name}: is ${width}x${height}, expected at most ${maxPixels / 1e6} megapixels and ${maxSide} a side`,
      { hint: 'shrink it first; the model looks at no more than its own maximum anyway' },
    );
  }
  if (longer > shorter * maxRatio) {
    throw new PixtralError(
      'input',
      `${name}: ${width}x${height} is too narrow, expected the longer side to be at most ${maxRatio} times the shorter`,
      { hint: 'crop it' },
    );
  }
}
