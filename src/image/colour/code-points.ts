/** How samples become light, by the numbers of ITU-T H.273 that `nclx`, `cICP` and video streams share. */
export interface CodePoints {
  primaries: number;
  transfer: number;
}

/** Chromaticities of red, green, blue and white: x and y of each. */
export type Primaries = readonly [number, number, number, number, number, number, number, number];

const d65 = [0.3127, 0.329] as const;
const illuminantC = [0.31, 0.316] as const;

export const srgbPrimaries: Primaries = [0.64, 0.33, 0.3, 0.6, 0.15, 0.06, ...d65];

/** Table 2 of H.273; 2 is "unspecified". */
export const primariesByCode: ReadonlyMap<number, Primaries> = new Map<number, Primaries>([
  [1, srgbPrimaries],
  [2, srgbPrimaries],
  [4, [0.67, 0.33, 0.21, 0.71, 0.14, 0.08, ...illuminantC]],
  [5, [0.64, 0.33, 0.29, 0.6, 0.15, 0.06, ...d65]],
  [6, [0.63, 0.34, 0.31, 0.595, 0.155, 0.07, ...d65]],
  [7, [0.63, 0.34, 0.31, 0.595, 0.155, 0.07, ...d65]],
  [8, [0.681, 0.319, 0.243, 0.692, 0.145, 0.049, ...illuminantC]],
  [9, [0.708, 0.292, 0.17, 0.797, 0.131, 0.046, ...d65]], // BT.2020
  [10, [1, 0, 0, 1, 0, 0, 1 / 3, 1 / 3]], // CIE XYZ
  [11, [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351]], // P3 of cinemas
  [12, [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, ...d65]], // Display P3
  [22, [0.63, 0.34, 0.295, 0.605, 0.155, 0.077, ...d65]],
]);

/** From a stored value, 0 to 1, to light, 1 being white. */
export type Transfer = (value: number) => number;

/** Of paper and of white in subtitles, in cd/m2. Source: BT.2408, 2.2. */
const whiteLuminance = 203;

/**
 * Table 3 of H.273. The camera curves of television (1, 6, 11, 12, 14, 15) are shown as sRGB, as browsers show them:
 * encoders name them for pictures that were made on a computer's screen.
 */
export const transferByCode: ReadonlyMap<number, Transfer> = new Map<number, Transfer>([
  ...[1, 2, 6, 11, 12, 13, 14, 15].map((code): [number, Transfer] => [code, srgbToLight]),
  [4, (value) => value ** 2.2],
  [5, (value) => value ** 2.8],
  [7, (value) => (value < 4 * 0.0228 ? value / 4 : ((value + 0.1115) / 1.1115) ** (1 / 0.45))],
  [8, (value) => value],
  [9, (value) => (value === 0 ? 0 : 10 ** (2 * (value - 1)))],
  [10, (value) => (value === 0 ? 0 : 10 ** (2.5 * (value - 1)))],
  [16, pqToLight],
  [17, (value) => (value ** 2.6 * 52.37) / 48],
  [18, hlgToLight],
]);

export function srgbToLight(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

export function lightToSrgb(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** Source: BT.2100, table 4. */
function pqToLight(value: number): number {
  const [m1, m2, c1, c2, c3] = [2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128];
  const root = value ** (1 / m2);
  return (10_000 / whiteLuminance) * (Math.max(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1);
}

/**
 * As on a screen of 1000 cd/m2, with its gamma of 1.2 for each channel: ffmpeg's zscale does it so by default. By
 * BT.2100, table 5, colours would be darker and paler than that, with the same greys.
 */
function hlgToLight(value: number): number {
  const [a, b, c] = [0.17883277, 0.28466892, 0.55991073];
  const scene = value <= 0.5 ? value ** 2 / 3 : (Math.exp((value - c) / a) + b) / 12;
  return (1000 / whiteLuminance) * scene ** 1.2;
}
