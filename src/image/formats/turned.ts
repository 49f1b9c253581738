import type { RawPixels } from './raw-pixels.ts';

/** Upright, by EXIF orientation. Source: Exif 2.32, 4.6.4.A */
export function turned(raw: RawPixels, orientation: number): RawPixels {
  const turn = turns[orientation];
  if (!turn) return raw;
  const { width, height } = raw;
  const swaps = orientation >= 5;
  const size = swaps ? { width: height, height: width } : { width, height };
  const from = new Uint32Array(raw.bytes.buffer, raw.bytes.byteOffset, width * height);
  const to = new Uint32Array(width * height);
  const { start, right, down } = turn({ width, height });
  for (let y = 0, at = 0; y < size.height; y++) {
    let source = start + y * down;
    for (let x = 0; x < size.width; x++, at++, source += right) to[at] = from[source]!;
  }
  return { ...size, bytes: new Uint8Array(to.buffer) };
}

/** Where the upright picture's first pixel is stored, and how far off the next to its right and below. */
type Turn = (size: { width: number; height: number }) => { start: number; right: number; down: number };

const turns: Readonly<Record<number, Turn>> = {
  2: ({ width }) => ({ start: width - 1, right: -1, down: width }),
  3: ({ width, height }) => ({ start: width * height - 1, right: -1, down: -width }),
  4: ({ width, height }) => ({ start: width * (height - 1), right: 1, down: -width }),
  5: ({ width }) => ({ start: 0, right: width, down: 1 }),
  6: ({ width, height }) => ({ start: width * (height - 1), right: -width, down: 1 }),
  7: ({ width, height }) => ({ start: width * height - 1, right: -width, down: -1 }),
  8: ({ width }) => ({ start: width - 1, right: width, down: -1 }),
};
