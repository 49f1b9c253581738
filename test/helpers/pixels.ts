import { readFileSync } from 'node:fs';
import type { GridConfig } from '../../src/image/pixels/grid.ts';
import type { Pixels } from '../../src/image/pixels/patches.ts';

/** One output of mistral-common's ImageEncoder; see fixtures/pixels.py. */
export interface PixelsCase {
  config: string;
  width: number;
  height: number;
  /** [channels, height, width] of the whole output. */
  shape: [number, number, number];
  /** Every `stride`th value of the output, flattened. */
  stride: number;
  values: Float32Array;
}

const golden = (name: string) => new URL(`../../fixtures/golden/${name}`, import.meta.url);

interface Stored {
  configs: Record<string, GridConfig>;
  cases: (Omit<PixelsCase, 'values'> & { offset: number })[];
}

export function pixelsGolden(): { configs: Stored['configs']; cases: PixelsCase[] } {
  const { configs, cases } = JSON.parse(readFileSync(golden('pixels.json'), 'utf8')) as Stored;
  const bytes = readFileSync(golden('pixels.bin'));
  return {
    configs,
    cases: cases.map(({ offset, ...stored }) => {
      const length = Math.ceil((3 * stored.shape[1] * stored.shape[2]) / stored.stride);
      const start = bytes.byteOffset + offset;
      return { ...stored, values: new Float32Array(bytes.buffer.slice(start, start + length * 4)) };
    }),
  };
}

export function gridHashes(): Record<string, string> {
  return JSON.parse(readFileSync(golden('grids.json'), 'utf8')) as Record<string, string>;
}

/** The noise of fixtures/pixels.py. */
export function syntheticPixels(width: number, height: number): Pixels {
  return pixelsOf({ width, height }, (x, y, channel) => {
    const mixed = Math.imul(x, 2654435761) ^ Math.imul(y, 2246822519) ^ Math.imul(channel, 3266489917);
    return Math.imul(mixed, 668265263) >>> 24;
  });
}

export function pixelsOf(
  { width, height }: { width: number; height: number },
  value: (x: number, y: number, channel: number) => number,
): Pixels {
  return {
    width,
    height,
    lines(first, count) {
      const bytes = new Uint8Array(count * width * 4);
      for (let at = 0; at < bytes.length; at++) {
        const pixel = at >> 2;
        bytes[at] = value(pixel % width, first + Math.floor(pixel / width), at & 3);
      }
      return bytes;
    },
  };
}

/** All of a picture as [height, width, 3]. */
export function rgbOf(pixels: Pixels): Uint8Array {
  const { width, height } = pixels;
  const rgb = new Uint8Array(width * height * 3);
  pixels.lines(0, height).forEach((value, at) => {
    if (at % 4 < 3) rgb[(at >> 2) * 3 + (at % 4)] = value;
  });
  return rgb;
}

/** Of a picture, as shares of its width and height from its upper left corner. */
export interface Part {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const whole: Part = { left: 0, top: 0, right: 1, bottom: 1 };

/** The share of pixels that are more black than white. */
export function darkShare(pixels: Pixels, { left, top, right, bottom } = whole): number {
  const { width } = pixels;
  const [firstColumn, lastColumn] = [left, right].map((share) => Math.round(share * width)) as [number, number];
  const [firstLine, lastLine] = [top, bottom].map((share) => Math.round(share * pixels.height)) as [number, number];
  const lines = pixels.lines(firstLine, lastLine - firstLine);
  let dark = 0;
  for (let at = 0; at < lines.length; at += 4) {
    const column = (at >> 2) % width;
    const isDark = lines[at]! + lines[at + 1]! + lines[at + 2]! < 384;
    if (isDark && column >= firstColumn && column < lastColumn) dark++;
  }
  return dark / ((lastColumn - firstColumn) * (lastLine - firstLine));
}
