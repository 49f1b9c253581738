import { damaged } from './damaged.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { type RawPixels, rgbaPixels } from './raw-pixels.ts';
import { turned } from './turned.ts';

interface Tga {
  kind: 'palette' | 'colour' | 'grey';
  packed: boolean;
  width: number;
  height: number;
  bits: number;
  /** Bits of a pixel that say how opaque it is. */
  alphaBits: number;
  fromRight: boolean;
  fromBottom: boolean;
  palette: { first: number; length: number; bits: number; start: number };
  start: number;
}

const kinds: Readonly<Record<number, Tga['kind']>> = { 1: 'palette', 2: 'colour', 3: 'grey' };
const headerLength = 18;

/** It has no mark at its beginning: every number of the header has to make sense, and a new one has a mark at its end. */
export function isTga(bytes: Uint8Array): boolean {
  const tga = readHeader(bytes);
  if (!tga) return false;
  if (ascii(bytes, bytes.byteLength - 18, 17) === 'TRUEVISION-XFILE.') return true;
  const lineLength = tga.bits === 1 ? Math.ceil(tga.width / 8) : Math.ceil(tga.bits / 8) * tga.width;
  const wanted = tga.start + lineLength * tga.height;
  return tga.packed ? bytes.byteLength > tga.start : Math.abs(bytes.byteLength - wanted) <= 26;
}

export function openTga({ bytes, name }: OpenRequest): Opened {
  const tga = readHeader(bytes)!;
  checkSize(tga, name);
  return { pageCount: 1, page: async () => decode(bytes, tga, name) };
}

/** Source: Truevision TGA File Format Specification, version 2.0 */
function readHeader(bytes: Uint8Array): Tga | undefined {
  if (bytes.byteLength <= headerLength) return undefined;
  const view = viewOf(bytes);
  const kind = kinds[bytes[2]! & 7];
  const [width, height, bits, flags] = [view.getUint16(12, true), view.getUint16(14, true), bytes[16]!, bytes[17]!];
  const palette = {
    first: view.getUint16(3, true),
    length: view.getUint16(5, true),
    bits: bytes[7]!,
    start: headerLength + bytes[0]!,
  };
  const hasPalette = bytes[1] === 1;
  const isKnown = kind !== undefined && (bytes[2]! & ~8) === (bytes[2]! & 7) && bytes[1]! <= 1 && flags < 64;
  const fits = { palette: [8, 16], colour: [15, 16, 24, 32], grey: [1, 8, 16] };
  if (bits === 1 && bytes[2] !== 3) return undefined;
  if (!isKnown || width === 0 || height === 0 || !fits[kind].includes(bits)) return undefined;
  if (hasPalette ? ![15, 16, 24, 32].includes(palette.bits) : kind === 'palette' || palette.length + palette.bits > 0) {
    return undefined;
  }
  const paletteLength = hasPalette ? palette.length * Math.ceil(palette.bits / 8) : 0;
  return {
    kind,
    packed: (bytes[2]! & 8) !== 0,
    width,
    height,
    bits,
    alphaBits: flags & 15,
    fromRight: (flags & 16) !== 0,
    fromBottom: (flags & 32) === 0,
    palette,
    start: palette.start + paletteLength,
  };
}

function decode(bytes: Uint8Array, tga: Tga, name: string): Pixels {
  const { width, height, fromRight, fromBottom } = tga;
  const plain = tga.packed ? unpacked(bytes, tga) : bytes.subarray(tga.start);
  const stored = tga.bits === 1 ? bitsOf(plain, tga) : plain;
  const pixelLength = Math.ceil(tga.bits / 8);
  if (stored.length < width * height * pixelLength) throw damaged(name, 'TGA', cutShort);
  const raw: RawPixels = { width, height, bytes: new Uint8Array(width * height * 4) };
  const read = pixelReader(bytes, tga);
  for (let pixel = 0; pixel < width * height; pixel++) read(stored, pixel * pixelLength, raw.bytes, pixel * 4);
  if (tga.alphaBits > 0) dropEmptyAlpha(raw.bytes);
  return rgbaPixels(turned(raw, fromBottom ? (fromRight ? 3 : 4) : fromRight ? 2 : 1));
}

/** Programs that keep nothing in the channel say that it is transparency all the same. */
function dropEmptyAlpha(bytes: Uint8Array): void {
  for (let at = 3; at < bytes.length; at += 4) if (bytes[at] !== 0) return;
  for (let at = 3; at < bytes.length; at += 4) bytes[at] = 255;
}

/** As GraphicsMagick writes black and white: a bit for each pixel, lines on whole bytes. A byte for each. */
function bitsOf(packed: Uint8Array, { width, height }: Tga): Uint8Array {
  const lineLength = Math.ceil(width / 8);
  if (packed.length < lineLength * height) return new Uint8Array(0);
  return Uint8Array.from({ length: width * height }, (_, at) => {
    const x = at % width;
    return (packed[Math.floor(at / width) * lineLength + (x >> 3)]! >> (7 - (x & 7))) & 1;
  });
}

function unpacked(bytes: Uint8Array, { start, width, height, bits }: Tga): Uint8Array {
  const pixelLength = Math.ceil(bits / 8);
  const pixels = new Uint8Array(width * height * pixelLength);
  let at = start;
  let to = 0;
  while (to < pixels.length && at < bytes.length) {
    const head = bytes[at++]!;
    const count = Math.min(((head & 127) + 1) * pixelLength, pixels.length - to);
    const taken = head & 128 ? pixelLength : count;
    if (at + taken > bytes.length) break;
    for (let index = 0; index < count; index++) pixels[to + index] = bytes[at + (index % taken)]!;
    at += taken;
    to += count;
  }
  return pixels.subarray(0, to);
}

type ReadPixel = (stored: Uint8Array, at: number, bytes: Uint8Array, to: number) => void;

function pixelReader(file: Uint8Array, tga: Tga): ReadPixel {
  const { kind, bits, alphaBits, palette } = tga;
  if (kind === 'grey') {
    if (bits === 1) {
      return (stored, at, bytes, to) => bytes.fill(stored[at] ? 255 : 0, to, to + 3).fill(255, to + 3, to + 4);
    }
    return (stored, at, bytes, to) => {
      bytes.fill(stored[at]!, to, to + 3);
      bytes[to + 3] = bits === 16 && alphaBits > 0 ? stored[at + 1]! : 255;
    };
  }
  if (kind === 'colour') return colourReader(bits, alphaBits);
  const entryLength = Math.ceil(palette.bits / 8);
  const entry = colourReader(palette.bits, palette.bits === 32 ? 8 : 0);
  return (stored, at, bytes, to) => {
    const index = (bits === 16 ? stored[at]! + stored[at + 1]! * 256 : stored[at]!) - palette.first;
    const isThere = index >= 0 && index < palette.length;
    entry(file, palette.start + (isThere ? index : 0) * entryLength, bytes, to);
  };
}

/** Blue, green, red and how opaque; or five bits of each. */
function colourReader(bits: number, alphaBits: number): ReadPixel {
  if (bits <= 16) {
    return (stored, at, bytes, to) => {
      const value = stored[at]! + stored[at + 1]! * 256;
      for (let channel = 0; channel < 3; channel++) {
        bytes[to + channel] = Math.round((((value >> (10 - channel * 5)) & 31) * 255) / 31);
      }
      bytes[to + 3] = alphaBits > 0 && value < 32_768 ? 0 : 255;
    };
  }
  return (stored, at, bytes, to) => {
    bytes[to] = stored[at + 2]!;
    bytes[to + 1] = stored[at + 1]!;
    bytes[to + 2] = stored[at]!;
    bytes[to + 3] = bits === 32 && alphaBits > 0 ? stored[at + 3]! : 255;
  };
}
