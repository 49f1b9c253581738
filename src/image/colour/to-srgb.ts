import {
  type CodePoints,
  type Primaries,
  type Transfer,
  lightToSrgb,
  primariesByCode,
  srgbPrimaries,
  srgbToLight,
  transferByCode,
} from './code-points.ts';
import { type Matrix, inverse, product, scaledColumns, transformed } from './matrix.ts';

export interface Samples {
  /** [pixels, 4]: red, green, blue, and how opaque. */
  values: Uint8Array | Uint16Array;
  /** What full light is stored as. */
  maximum: number;
}

/** How samples become light. */
export interface Colours {
  primaries: Primaries;
  transfer: Transfer;
}

/** By their numbers; sRGB's for a number that nobody has defined. */
export function coloursOf({ primaries, transfer }: CodePoints): Colours {
  return {
    primaries: primariesByCode.get(primaries) ?? srgbPrimaries,
    transfer: transferByCode.get(transfer) ?? srgbToLight,
  };
}

/** Whether sRGB is what the numbers say, or what everyone takes them for. */
export function isSrgb(points: CodePoints): boolean {
  const { primaries, transfer } = coloursOf(points);
  return primaries === srgbPrimaries && transfer === srgbToLight;
}

/** Whether there is light that these primaries make white of. */
export function isPossible(primaries: Primaries): boolean {
  return toSrgbPrimaries(primaries).every(Number.isFinite);
}

/** What of `points` is no number of H.273's, and is therefore taken for sRGB's: a sentence, or none. */
export function unknownColours({ primaries, transfer }: CodePoints): string | undefined {
  if (primariesByCode.has(primaries) && transferByCode.has(transfer)) return undefined;
  return `its colours are stated by numbers that are not defined (primaries ${primaries}, transfer ${transfer}): they are taken for sRGB's`;
}

/**
 * Red, green, blue and how opaque in sRGB: [pixels, 4]. Colours beyond sRGB are cut off channel by channel, as LittleCMS
 * does. Light beyond white, 203 cd/m2, is white, as ffmpeg's zscale does it: what is as bright as paper stays as bright as
 * paper (BT.2408).
 */
export function toSrgb({ values, maximum }: Samples, { primaries, transfer }: Colours): Uint8Array {
  const light = lightTable(transfer, maximum);
  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = toSrgbPrimaries(primaries);
  const stored = storedTable();
  const bytes = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at += 4) {
    const red = light[Math.min(values[at]!, maximum)]!;
    const green = light[Math.min(values[at + 1]!, maximum)]!;
    const blue = light[Math.min(values[at + 2]!, maximum)]!;
    bytes[at] = stored[tableIndex(rr * red + rg * green + rb * blue)]!;
    bytes[at + 1] = stored[tableIndex(gr * red + gg * green + gb * blue)]!;
    bytes[at + 2] = stored[tableIndex(br * red + bg * green + bb * blue)]!;
    bytes[at + 3] = Math.round((Math.min(values[at + 3]!, maximum) * 255) / maximum);
  }
  return bytes;
}

function lightTable(transfer: (value: number) => number, maximum: number): Float64Array {
  return Float64Array.from({ length: maximum + 1 }, (_, value) => transfer(value / maximum));
}

/** Fine enough that a step of it is a twentieth of a byte where the curve is steepest. */
const tableSize = 65_536;

function storedTable(): Uint8Array {
  return Uint8Array.from({ length: tableSize }, (_, index) => Math.round(255 * lightToSrgb(index / (tableSize - 1))));
}

function tableIndex(light: number): number {
  if (light <= 0) return 0;
  return light >= 1 ? tableSize - 1 : (light * (tableSize - 1) + 0.5) | 0;
}

/** Between whites by Bradford's cones, so that grey stays grey. */
function toSrgbPrimaries(from: Primaries): Matrix {
  const cones: Matrix = [0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296];
  const [here, there] = [from, srgbPrimaries].map((primaries) => transformed(cones, whiteOf(primaries)));
  const scaled = scaledColumns(inverse(cones), [there![0] / here![0], there![1] / here![1], there![2] / here![2]]);
  const adaptation = product(scaled, cones);
  return product(inverse(toXyz(srgbPrimaries)), product(adaptation, toXyz(from)));
}

/** The light of each channel such that all three together are white. */
function toXyz(primaries: Primaries): Matrix {
  const [xr, yr, xg, yg, xb, yb] = primaries;
  const unscaled: Matrix = [xr, xg, xb, yr, yg, yb, 1 - xr - yr, 1 - xg - yg, 1 - xb - yb];
  return scaledColumns(unscaled, transformed(inverse(unscaled), whiteOf(primaries)));
}

function whiteOf([, , , , , , x, y]: Primaries): [number, number, number] {
  return [x / y, 1, (1 - x - y) / y];
}
