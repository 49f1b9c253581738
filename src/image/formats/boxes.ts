import { type Size, ascii, viewOf } from './opened.ts';

/** Before them no box with pixels in it stands, and after them none that is looked at here. */
const maxHeaderBytes = 256 * 1024;

/** The four letters after `ftyp`, and those of the other kinds that the file may be read as. */
export function brandsOf(bytes: Uint8Array): string {
  return ascii(bytes, 4, 4) === 'ftyp' && bytes.byteLength >= 12
    ? ascii(bytes, 8, Math.min(viewOf(bytes).getUint32(0), 72) - 8)
    : '';
}

/** Whether the last box reaches beyond the file. Source: ISO/IEC 14496-12. */
export function isCutShort(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  let at = 0;
  while (at + 8 <= bytes.byteLength) {
    const length = view.getUint32(at);
    if (length < 8) break; // 0: up to the end of the file, 1: a 64-bit length
    at += length;
  }
  return at > bytes.byteLength;
}

/** The size of the picture, and of its tiles and thumbnails, stand in `ispe` boxes. Source: ISO/IEC 23008-12. */
export function largestSize(bytes: Uint8Array): Size | undefined {
  const view = viewOf(bytes);
  const sizes = boxPlaces(bytes, 'ispe')
    .filter((at) => at + 16 <= bytes.byteLength)
    .map((at) => ({ width: view.getUint32(at + 8), height: view.getUint32(at + 12) }));
  return sizes.sort((one, other) => other.width * other.height - one.width * one.height)[0];
}

/** Where the names of boxes of one kind stand. */
export function boxPlaces(bytes: Uint8Array, name: string): number[] {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, maxHeaderBytes));
  const places: number[] = [];
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + 4)) places.push(at);
  return places;
}
