import type { GridConfig } from '../pixels/grid.ts';
import type { Pixels } from '../pixels/patches.ts';

/** What a picture's container says before anything is decoded. */
export interface Encoded {
  format: 'PNG' | 'JPEG' | 'WebP' | 'BMP' | 'ICO';
  /** Pixels as stored; undefined when only the decoder can tell. */
  size: Size | undefined;
  /** Why the decoder would give half a picture or noise. Decoders give grey or transparent lines without a word. */
  damage: string | undefined;
  /** No pixel can be transparent, so that one which is was never decoded. */
  opaque: boolean;
  /** A look through all of its data; always due, or only where the decoder seems to have left lines out. */
  inspection?: { isAlwaysDue: boolean; missingLines: 'clear' | 'black'; inspect(): Inspected } | undefined;
  /** EXIF orientation that the decoder does not apply by itself (a PNG's). */
  orientation: number;
  /** For the decoder, which converts colours to sRGB by the profile in them. */
  bytes: Uint8Array;
  /** The same picture without transparency, where the decoder loses colours by multiplying with it (WebP). */
  colours?: Uint8Array | undefined;
}

/** What is wrong with a picture's data, or a file of the same picture that the decoder does not stop at. */
export type Inspected = { kind: 'damaged'; found: string } | { kind: 'whole'; repaired: Uint8Array | undefined };

export interface OpenRequest {
  /** For messages. */
  name: string;
  bytes: Uint8Array;
  image: GridConfig;
  /** Longer side of what is drawn to scale; as large as the model looks at it by default. */
  drawSize?: number | undefined;
  /** The words in a page are wanted beside its pixels. */
  text?: boolean | undefined;
}

/** A file whose header has been read and found harmless; nothing is decoded yet. */
export interface Opened {
  /** Pages or frames. */
  pageCount: number;
  /** Its pages have no pixels of their own: they can be drawn at any size. */
  drawn?: true;
  /** Decodes one, 0-based; the next is to be asked for when it is used up, since frames are composed in one place. */
  page(index: number): Promise<Pixels>;
  close?(): void;
}

export interface Size {
  width: number;
  height: number;
}

export const cutShort = 'ends before its picture does';
export const dataBreaksOff = 'cannot be decoded: its data breaks off';

/** `bytes` with some ranges left out. */
export function without(bytes: Uint8Array, ranges: readonly { start: number; end: number }[]): Uint8Array {
  if (ranges.length === 0) return bytes;
  const kept: Uint8Array[] = [];
  let at = 0;
  for (const { start, end } of ranges) {
    kept.push(bytes.subarray(at, start));
    at = end;
  }
  return Buffer.concat([...kept, bytes.subarray(at)]);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Up to `length` characters: fewer at the end of the bytes. */
export function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
