import { brandsOf, isCutShort, largestSize } from './boxes.ts';
import { type Encoded, cutShort } from './opened.ts';

export function isAvif(bytes: Uint8Array): boolean {
  return /avi[fs]/.test(brandsOf(bytes));
}

/** The decoder itself turns the picture by `irot` and `imir`. */
export function readAvif(bytes: Uint8Array): Encoded {
  return {
    format: 'AVIF',
    size: largestSize(bytes),
    damage: isCutShort(bytes) ? cutShort : undefined,
    opaque: false,
    orientation: 1,
    bytes,
  };
}
