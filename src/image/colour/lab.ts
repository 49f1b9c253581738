import { type Matrix, product } from './matrix.ts';
import { lightToSrgb } from './code-points.ts';

/** Of the ICC's D50, in which Lab is stored in files, to that of sRGB by Bradford's cones. */
const d50ToD65: Matrix = [
  0.9555766, -0.0230393, 0.0631636, -0.0282895, 1.0099416, 0.0210077, 0.0122982, -0.020483, 1.3299098,
];
const xyzToSrgb: Matrix = [
  3.2404542, -1.5371385, -0.4985314, -0.969266, 1.8760108, 0.041556, 0.0556434, -0.2040259, 1.0572252,
];
const d50White = [0.96422, 1, 0.82521] as const;

/** Bytes of red, green and blue of a colour in CIE L*a*b* (L* from 0 to 100) under D50; what sRGB has not is cut off. */
export function labToSrgb(): (lightness: number, a: number, b: number) => [number, number, number] {
  const [rx, ry, rz, gx, gy, gz, bx, by, bz] = product(xyzToSrgb, d50ToD65);
  return (lightness, a, b) => {
    const y = (lightness + 16) / 116;
    const X = d50White[0] * cubed(y + a / 500);
    const Y = cubed(y);
    const Z = d50White[2] * cubed(y - b / 200);
    return [byteOf(rx * X + ry * Y + rz * Z), byteOf(gx * X + gy * Y + gz * Z), byteOf(bx * X + by * Y + bz * Z)];
  };
}

function cubed(value: number): number {
  return value > 6 / 29 ? value ** 3 : 3 * (6 / 29) ** 2 * (value - 4 / 29);
}

function byteOf(light: number): number {
  return Math.round(255 * lightToSrgb(Math.min(1, Math.max(0, light))));
}
