import { crc32 } from 'node:zlib';
import { exifOrientation } from './exif.ts';
import { type Encoded, ascii, cutShort, viewOf, without } from './formats.ts';

const colourChunks = new Set(['gAMA', 'cHRM', 'iCCP', 'sRGB', 'cICP', 'mDCV', 'cLLI']);
/** What makes the picture; a damaged comment does not matter. */
const pictureChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);

export function isPng(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n';
}

/** Source: W3C PNG specification, third edition, chapters 5 and 11. */
export function readPng(bytes: Uint8Array): Encoded {
  const view = viewOf(bytes);
  const encoded: Encoded = {
    format: 'PNG',
    size: undefined,
    damage: cutShort,
    opaque: false,
    orientation: 1,
    plain: bytes,
  };
  const colours: { start: number; end: number }[] = [];
  for (let at = 8, end = 8; at + 12 <= bytes.byteLength; at = end) {
    end = at + 12 + view.getUint32(at);
    if (end > bytes.byteLength) break;
    const type = ascii(bytes, at + 4, 4);
    if (pictureChunks.has(type) && crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      return { ...encoded, damage: `has a wrong checksum in its ${type} part` };
    }
    if (type === 'IHDR' && end - at >= 25) {
      encoded.size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
      encoded.opaque = (view.getUint8(at + 17) & 4) === 0; // colour types 4 and 6 have an alpha channel
    }
    if (type === 'tRNS') encoded.opaque = false;
    if (type === 'eXIf') encoded.orientation = exifOrientation(bytes.subarray(at + 8, end - 4));
    if (colourChunks.has(type)) colours.push({ start: at, end });
    if (type === 'IEND') {
      encoded.damage = undefined;
      break;
    }
  }
  return { ...encoded, plain: without(bytes, colours) };
}
