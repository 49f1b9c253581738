import { labToSrgb } from '../colour/lab.ts';
import { dividedBy255 } from './raw-pixels.ts';

type Numbers = ArrayLike<number>;

/** All give [pixels, 4] bytes, opaque. @param values [pixels], 0 to 255 */
export function greyToRgb(values: Numbers): Uint8Array {
  const pixels = new Uint32Array(values.length);
  for (let pixel = 0; pixel < values.length; pixel++) pixels[pixel] = 0xff_00_00_00 | (values[pixel]! * 0x01_01_01);
  return new Uint8Array(pixels.buffer);
}

/** @param values [pixels, 3], 0 to 255 */
export function rgbToRgb(values: Numbers): Uint8Array {
  const bytes = new Uint8Array((values.length / 3) * 4);
  for (let at = 0, to = 0; at < values.length; at += 3, to += 4) {
    bytes[to] = values[at]!;
    bytes[to + 1] = values[at + 1]!;
    bytes[to + 2] = values[at + 2]!;
    bytes[to + 3] = 255;
  }
  return bytes;
}

/** Inks that nothing is known of, as Pillow takes them. @param values [pixels, 4], 255 is all of an ink */
export function cmykToRgb(values: Numbers): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at += 4) {
    const light = 255 - values[at + 3]!;
    for (let channel = at; channel < at + 3; channel++) bytes[channel] = light - dividedBy255(values[channel]! * light);
    bytes[at + 3] = 255;
  }
  return bytes;
}

/** @param values [pixels, 3]. @param stored what L* (0 to 100), a* and b* a sample stands for, by its place */
export function labToRgb(values: Numbers, stored: (value: number, index: number) => number): Uint8Array {
  const toSrgb = labToSrgb();
  const bytes = new Uint8Array((values.length / 3) * 4);
  for (let at = 0, to = 0; at < values.length; at += 3, to += 4) {
    const [red, green, blue] = toSrgb(stored(values[at]!, 0), stored(values[at + 1]!, 1), stored(values[at + 2]!, 2));
    bytes[to] = red;
    bytes[to + 1] = green;
    bytes[to + 2] = blue;
    bytes[to + 3] = 255;
  }
  return bytes;
}

/** Puts colours that were multiplied by their transparency on white; in place. */
export function multipliedOnWhite(bytes: Uint8Array, alpha: Uint8Array): void {
  for (let pixel = 0; pixel < alpha.length; pixel++) {
    const white = 255 - alpha[pixel]!;
    for (let at = pixel * 4; at < pixel * 4 + 3; at++) bytes[at] = Math.min(255, bytes[at]! + white);
  }
}
