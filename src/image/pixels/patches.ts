import { type Grid, type GridConfig, imageGrid } from './grid.ts';
import type { Kernel } from './kernel.ts';
import { cubicTaps } from './resize.ts';

export interface Patches {
  grid: Grid;
  /** [rows * columns * merge^2, 3 * patch * patch]: patches in raster order; inside one channel, then y, then x. */
  values: Float32Array;
}

/** Pixels that are fetched when they are needed, upright and on white. */
export interface Pixels {
  width: number;
  height: number;
  /** What is not shown as it is, or was guessed: whole sentences about this picture, without its name or a full stop. */
  warnings?: readonly string[];
  /** The words in it, where they were asked for and it has any. */
  text?: string;
  /** Lines `first` to `first + count` as [count, width, 4] bytes, the fourth without meaning; valid until the next call. */
  lines(first: number, count: number): Uint8Array;
  /** The same as [count, width, 3], where the decoder has it so. */
  rgbLines?(first: number, count: number): Uint8Array;
}

/** CLIP's mean and standard deviation per channel, of values from 0 to 1 (mistral-common, image.py). */
export const mean = [0.48145466, 0.4578275, 0.40821073] as const;
export const deviation = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * The numbers that the vision tower sees of a picture: one cubic resize of the whole picture to the grid's size
 * (values beyond 0 and 255 survive, as in the reference), normalised, cut into patches.
 * @param kernel holds them until the next picture is given to it
 */
export function picturePatches(pixels: Pixels, config: GridConfig, kernel: Kernel): Patches {
  const grid = imageGrid(pixels, config);
  const across = cubicTaps(pixels.width, grid.width);
  const down = cubicTaps(pixels.height, grid.height);
  const places = layOut({
    values: grid.width * grid.height * 12,
    starts: across.starts.byteLength,
    acrossWeights: across.weights.byteLength,
    downWeights: down.weights.byteLength,
    scaleAndShift: 32,
    lines: 4 * grid.width * 16,
    stripe: stripeLines(pixels) * pixels.width * 4 + 16, // the kernel reads four pixels even of a line of one
  });
  const buffer = kernel.memory(places.end);
  const values = new Float32Array(buffer, places.values, grid.width * grid.height * 3);
  const pixelBytes = pixels.rgbLines ? 3 : 4;
  new Int32Array(buffer, places.starts).set(across.starts.map((start) => start * pixelBytes));
  new Float32Array(buffer, places.acrossWeights).set(across.weights);
  new Float32Array(buffer, places.downWeights).set(down.weights);
  new Float32Array(buffer, places.scaleAndShift).set(scaleAndShift());

  new Float32Array(buffer, places.lines, 16 * grid.width).fill(0); // lines below the last one have no weight, but are read
  const line = resizedLines(pixels, { kernel, buffer, places, width: grid.width });
  const { patchSize } = config;
  const blend = patchSize % 4 === 0 ? 'downFours' : 'down';
  for (let y = 0; y < grid.height; y++) {
    const first = down.starts[y]!;
    const partLength = patchSize * 4;
    const channelLength = patchSize * partLength;
    const linesAbove = Math.floor(y / patchSize) * patchSize;
    kernel[blend](
      line(first),
      line(first + 1),
      line(first + 2),
      line(first + 3),
      line(first) + grid.width * 16,
      places.downWeights + y * 16,
      places.scaleAndShift,
      places.values + linesAbove * grid.width * 12 + (y - linesAbove) * partLength,
      partLength,
      channelLength,
      channelLength * 3,
    );
  }
  return { grid, values };
}

type Part = 'values' | 'starts' | 'acrossWeights' | 'downWeights' | 'scaleAndShift' | 'lines' | 'stripe';

/** One part after the other, each at a multiple of 16 bytes. */
function layOut(byteLengths: Record<Part, number>): Record<Part | 'end', number> {
  const places = { ...byteLengths, end: 0 };
  for (const part of [
    'values',
    'starts',
    'acrossWeights',
    'downWeights',
    'scaleAndShift',
    'lines',
    'stripe',
  ] as const) {
    places[part] = places.end;
    places.end += Math.ceil(byteLengths[part] / 16) * 16;
  }
  return places;
}

/** (x / 255 - mean) / deviation as x * scale + shift: [8], the fourth of each left 0. */
function scaleAndShift(): number[] {
  return [
    ...deviation.map((deviation) => 1 / (255 * deviation)),
    0,
    ...mean.map((mean, channel) => -mean / deviation[channel]!),
    0,
  ];
}

/** Half a megabyte is fetched at a time: it stays in the processor's cache until it is used. */
function stripeLines({ width, height }: Pixels): number {
  return Math.min(height, Math.max(1, Math.floor(2 ** 19 / (width * 4))));
}

/**
 * The address of a source line resized across, [width, 4] floats. Lines are asked for in rising order, and four
 * neighbours make a line of the result: a ring of four holds what is needed, each line is computed once, and lines
 * that shrinking skips are never fetched.
 */
function resizedLines(
  pixels: Pixels,
  {
    kernel,
    buffer,
    places,
    width,
  }: { kernel: Kernel; buffer: ArrayBuffer; places: Record<Part, number>; width: number },
): (line: number) => number {
  const bytes = new Uint8Array(buffer);
  const [pixelBytes, across] = pixels.rgbLines ? ([3, 'acrossRgb'] as const) : ([4, 'across'] as const);
  const held = [-1, -1, -1, -1];
  const stripe = { first: 0, count: 0 };
  return (line) => {
    const place = places.lines + (line % 4) * width * 16;
    if (held[line % 4] === line || line >= pixels.height) return place;
    if (line >= stripe.first + stripe.count) {
      stripe.first = line;
      stripe.count = Math.min(stripeLines(pixels), pixels.height - line);
      bytes.set(pixels.rgbLines?.(line, stripe.count) ?? pixels.lines(line, stripe.count), places.stripe);
    }
    const source = places.stripe + (line - stripe.first) * pixels.width * pixelBytes;
    kernel[across](source, places.starts, places.acrossWeights, place, place + width * 16);
    held[line % 4] = line;
    return place;
  };
}
