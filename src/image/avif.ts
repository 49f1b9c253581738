import { type Encoded, type Size, ascii, cutShort, viewOf } from './formats.ts';

/** Before them no box with pixels in it stands, and after them none that is looked at here. */
const maxHeaderBytes = 256 * 1024;

export function isAvif(bytes: Uint8Array): boolean {
  return ascii(bytes, 4, 4) === 'ftyp' && /avi[fs]/.test(ascii(bytes, 8, 64));
}

/** Source: ISO/IEC 14496-12 (boxes), 23008-12 (`ispe`, `irot`, `imir`, `colr`). The decoder itself turns by irot, imir. */
export function readAvif(bytes: Uint8Array): Encoded {
  const view = viewOf(bytes);
  let at = 0;
  while (at + 8 <= bytes.byteLength) {
    const length = view.getUint32(at);
    if (length < 8) break; // 0: up to the end of the file, 1: a 64-bit length
    at += length;
  }
  return {
    format: 'AVIF',
    size: largestSize(bytes),
    damage: at <= bytes.byteLength ? undefined : cutShort,
    opaque: false,
    orientation: 1,
    plain: withoutProfile(bytes),
  };
}

/** The size of the picture, and of its tiles and thumbnails, stand in `ispe` boxes. */
function largestSize(bytes: Uint8Array): Size | undefined {
  const view = viewOf(bytes);
  const sizes = boxes(bytes, 'ispe')
    .filter((at) => at + 16 <= bytes.byteLength)
    .map((at) => ({ width: view.getUint32(at + 8), height: view.getUint32(at + 12) }));
  return sizes.sort((one, other) => other.width * other.height - one.width * one.height)[0];
}

/** Renames ICC profiles, so that they are skipped, and makes the primaries of others those of sRGB. */
function withoutProfile(bytes: Uint8Array): Uint8Array {
  const plain = Buffer.from(bytes);
  for (const at of boxes(bytes, 'colr')) {
    const kind = ascii(bytes, at + 4, 4);
    if (kind === 'prof' || kind === 'rICC') plain.write('skip', at, 'latin1');
    // Matrices from 12 on are derived from the primaries, which must then stay.
    if (kind === 'nclx' && at + 14 <= bytes.byteLength && plain.readUInt16BE(at + 12) < 12)
      plain.writeUInt16BE(1, at + 8);
  }
  return plain;
}

/** Where the names of boxes of one kind stand. */
function boxes(bytes: Uint8Array, name: string): number[] {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, maxHeaderBytes));
  const places: number[] = [];
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + 4)) places.push(at);
  return places;
}
