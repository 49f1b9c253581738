import { type Grid, type GridConfig, imageGrid } from './grid.ts';
import { type Taps, cubicTaps } from './resize.ts';

export interface Patches {
  grid: Grid;
  /** [rows * columns * merge^2, 3 * patch * patch]: patches in raster order; inside one channel, then y, then x. */
  values: Float32Array;
}

/** CLIP's mean and standard deviation per channel, of values from 0 to 1 (mistral-common, image.py). */
const mean = [0.48145466, 0.4578275, 0.40821073] as const;
const deviation = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * The numbers that the vision tower sees of a picture: one cubic resize of the whole picture to the grid's size
 * (values beyond 0 and 255 survive, as in the reference), normalised, cut into patches.
 * @param rgb [height, width, 3], 8 bits
 */
export function picturePatches(
  { width, height, rgb }: { width: number; height: number; rgb: Uint8Array },
  config: GridConfig,
): Patches {
  const grid = imageGrid({ width, height }, config);
  const across = cubicTaps(width, grid.width);
  const down = cubicTaps(height, grid.height);
  const values = new Float32Array(grid.width * grid.height * 3);
  const lines = resizedLines({ width, rgb, across });
  for (let y = 0; y < grid.height; y++) {
    const four = [0, 1, 2, 3].map((tap) => lines(down.indices[y * 4 + tap]!));
    writeLine(values, {
      four,
      weights: down.weights.subarray(y * 4, y * 4 + 4),
      y,
      width: grid.width,
      patchSize: config.patchSize,
    });
  }
  return { grid, values };
}

/**
 * Source lines resized across, [3 channels, width] each, computed when first asked for. A line of the result needs
 * four neighbours, so that few are kept at a time; when shrinking, most source lines are never touched.
 */
function resizedLines({
  width,
  rgb,
  across,
}: {
  width: number;
  rgb: Uint8Array;
  across: Taps;
}): (line: number) => Float32Array {
  const outWidth = across.indices.length / 4;
  const cache = new Map<number, Float32Array>();
  return (line) => {
    const known = cache.get(line);
    if (known) return known;
    // Lines are asked for in rising order: what stands more than four behind is not needed again.
    let resized: Float32Array | undefined;
    for (const [key, old] of cache) {
      if (key >= line - 4) break;
      cache.delete(key);
      resized = old;
    }
    resized ??= new Float32Array(outWidth * 3);
    resizeLine(rgb.subarray(line * width * 3, (line + 1) * width * 3), across, resized);
    cache.set(line, resized);
    return resized;
  };
}

/** [width, 3] bytes -> [3, outWidth] floats */
function resizeLine(source: Uint8Array, { indices, weights }: Taps, target: Float32Array): void {
  const outWidth = indices.length / 4;
  for (let x = 0; x < outWidth; x++) {
    const tap = x * 4;
    const i0 = indices[tap]! * 3;
    const i1 = indices[tap + 1]! * 3;
    const i2 = indices[tap + 2]! * 3;
    const i3 = indices[tap + 3]! * 3;
    const w0 = weights[tap]!;
    const w1 = weights[tap + 1]!;
    const w2 = weights[tap + 2]!;
    const w3 = weights[tap + 3]!;
    target[x] = source[i0]! * w0 + source[i1]! * w1 + source[i2]! * w2 + source[i3]! * w3;
    target[outWidth + x] = source[i0 + 1]! * w0 + source[i1 + 1]! * w1 + source[i2 + 1]! * w2 + source[i3 + 1]! * w3;
    target[2 * outWidth + x] =
      source[i0 + 2]! * w0 + source[i1 + 2]! * w1 + source[i2 + 2]! * w2 + source[i3 + 2]! * w3;
  }
}

interface LineOptions {
  /** Four neighbouring source lines, resized across. */
  four: readonly Float32Array[];
  weights: Float32Array;
  y: number;
  width: number;
  patchSize: number;
}

/** Blends four lines into line `y`, normalises, and writes it where its patches want it. */
function writeLine(values: Float32Array, { four, weights, y, width, patchSize }: LineOptions): void {
  const [line0, line1, line2, line3] = four as [Float32Array, Float32Array, Float32Array, Float32Array];
  const [w0, w1, w2, w3] = weights as unknown as [number, number, number, number];
  const patchLength = 3 * patchSize * patchSize;
  const patchColumns = width / patchSize;
  const firstPatch = Math.floor(y / patchSize) * patchColumns;
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * deviation[channel]!);
    const shift = -mean[channel]! / deviation[channel]!;
    const inPatch = channel * patchSize * patchSize + (y % patchSize) * patchSize;
    for (let column = 0; column < patchColumns; column++) {
      let from = channel * width + column * patchSize;
      let to = (firstPatch + column) * patchLength + inPatch;
      for (const end = to + patchSize; to < end; to++, from++) {
        const value = line0[from]! * w0 + line1[from]! * w1 + line2[from]! * w2 + line3[from]! * w3;
        values[to] = value * scale + shift;
      }
    }
  }
}
