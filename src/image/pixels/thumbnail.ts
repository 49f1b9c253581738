import type { Rgb } from './seen.ts';

/** The mean of whole squares of pixels, so that no side is longer than `maxSide`; smaller pictures stay as they are. */
export function thumbnail(picture: Rgb, maxSide: number): Rgb {
  const step = Math.ceil(Math.max(picture.width, picture.height) / maxSide);
  if (step <= 1) return picture;
  const width = Math.max(1, Math.floor(picture.width / step));
  const height = Math.max(1, Math.floor(picture.height / step));
  const bytes = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        bytes[(y * width + x) * 3 + channel] = squareMean(picture, { left: x * step, top: y * step, step, channel });
      }
    }
  }
  return { width, height, bytes };
}

function squareMean(
  { width, height, bytes }: Rgb,
  { left, top, step, channel }: { left: number; top: number; step: number; channel: number },
): number {
  const [right, bottom] = [Math.min(left + step, width), Math.min(top + step, height)];
  let sum = 0;
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += bytes[(y * width + x) * 3 + channel]!;
  return Math.round(sum / ((right - left) * (bottom - top)));
}
