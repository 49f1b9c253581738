import { PixtralError } from '../base/errors.ts';

/** What the first bytes of a file say, before anything is decoded. */
export interface PictureHeader {
  format: 'PNG' | 'JPEG' | 'WebP' | 'GIF' | 'AVIF' | 'BMP';
  /** Pixels as stored; undefined when only the decoder can tell. */
  size: { width: number; height: number } | undefined;
  /** The file ends where its format says that it must. */
  complete: boolean;
  /** EXIF orientation that the decoder does not apply by itself (a PNG's). */
  orientation: number;
}

/** Tells a picture by its content, never by its name. @throws PixtralError `input` for anything else */
export function sniffPicture(bytes: Uint8Array, source: string): PictureHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { matches, read } of formats) {
    if (bytes.byteLength >= 16 && matches(view)) return read(view);
  }
  throw new PixtralError('input', `${source}: ${describe(bytes)}, expected a picture`, {
    hint: 'PNG, JPEG, WebP, GIF, AVIF and BMP can be read',
  });
}

interface Format {
  matches: (view: DataView) => boolean;
  read: (view: DataView) => PictureHeader;
}

const formats: readonly Format[] = [
  { matches: (view) => view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a, read: readPng },
  { matches: (view) => view.getUint16(0) === 0xffd8 && view.getUint8(2) === 0xff, read: readJpeg },
  { matches: (view) => ascii(view, 0, 4) === 'RIFF' && ascii(view, 8, 4) === 'WEBP', read: readWebp },
  { matches: (view) => /^GIF8[79]a$/.test(ascii(view, 0, 6)), read: readGif },
  { matches: (view) => ascii(view, 4, 4) === 'ftyp' && /^avi[fs]$/.test(ascii(view, 8, 4)), read: readAvif },
  { matches: (view) => ascii(view, 0, 2) === 'BM' && view.getUint32(2, true) <= view.byteLength, read: readBmp },
];

function readPng(view: DataView): PictureHeader {
  let complete = false;
  let orientation = 1;
  for (let at = 8; at + 12 <= view.byteLength;) {
    const length = view.getUint32(at);
    const type = ascii(view, at + 4, 4);
    if (type === 'IEND') complete = true;
    if (type === 'eXIf' && at + 8 + length <= view.byteLength) orientation = exifOrientation(view, at + 8, length);
    at += 12 + length;
  }
  const size = view.byteLength >= 24 ? { width: view.getUint32(16), height: view.getUint32(20) } : undefined;
  return { format: 'PNG', size, complete, orientation };
}

/** Reads the tag Orientation (0x112) of the first directory of a TIFF structure. */
function exifOrientation(view: DataView, start: number, length: number): number {
  const end = start + length;
  if (length < 14) return 1;
  const little = view.getUint16(start) === 0x4949;
  let at = start + view.getUint32(start + 4, little);
  if (at + 2 > end) return 1;
  for (
    let entries = view.getUint16(at, little), first = (at += 2);
    at + 12 <= end && at < first + entries * 12;
    at += 12
  ) {
    if (view.getUint16(at, little) === 0x112) {
      const value = view.getUint16(at + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  }
  return 1;
}

function readJpeg(view: DataView): PictureHeader {
  let size: PictureHeader['size'];
  for (let at = 2; at + 9 < view.byteLength && view.getUint8(at) === 0xff;) {
    const marker = view.getUint8(at + 1);
    // SOF0 to SOF15 without DHT, JPG and DAC, which stand between them.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      size = { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
      break;
    }
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  // Cameras append things after the end marker: look for it in all that follows the header.
  let complete = false;
  for (let at = view.byteLength - 2; at > 2 && !complete; at--) complete = view.getUint16(at) === 0xffd9;
  return { format: 'JPEG', size, complete, orientation: 1 };
}

function readWebp(view: DataView): PictureHeader {
  const complete = view.getUint32(4, true) + 8 <= view.byteLength;
  const kind = ascii(view, 12, 4);
  const at = 20;
  let size: PictureHeader['size'];
  if (view.byteLength >= 30) {
    if (kind === 'VP8X') size = { width: 1 + uint24(view, at + 4), height: 1 + uint24(view, at + 7) };
    if (kind === 'VP8 ')
      size = { width: view.getUint16(at + 6, true) & 0x3fff, height: view.getUint16(at + 8, true) & 0x3fff };
    if (kind === 'VP8L') {
      const bits = view.getUint32(at + 1, true);
      size = { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
  }
  return { format: 'WebP', size, complete, orientation: 1 };
}

function readGif(view: DataView): PictureHeader {
  let last = view.byteLength - 1;
  while (last > 13 && view.getUint8(last) === 0) last--;
  const size = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  return { format: 'GIF', size, complete: view.getUint8(last) === 0x3b, orientation: 1 };
}

function readAvif(view: DataView): PictureHeader {
  let at = 0;
  while (at + 8 <= view.byteLength) {
    const length = view.getUint32(at);
    if (length < 8) break; // 0: up to the end of the file, 1: a 64-bit length
    at += length;
  }
  return { format: 'AVIF', size: ispe(view), complete: at <= view.byteLength, orientation: 1 };
}

/** The picture's size stands in an `ispe` box, near the beginning. */
function ispe(view: DataView): PictureHeader['size'] {
  const limit = Math.min(view.byteLength - 16, 64 * 1024);
  for (let at = 8; at < limit; at++) {
    if (ascii(view, at, 4) === 'ispe') return { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
  }
  return undefined;
}

function readBmp(view: DataView): PictureHeader {
  const size =
    view.byteLength >= 26
      ? { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) }
      : undefined;
  return { format: 'BMP', size, complete: true, orientation: 1 };
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

function ascii(view: DataView, at: number, length: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
}

function describe(bytes: Uint8Array): string {
  if (bytes.byteLength === 0) return 'is empty';
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  if (start.startsWith('%PDF')) return 'is a PDF';
  if (/^\s*<(\?xml|svg)/.test(start)) return 'is an SVG or XML file';
  if (/^.{4}ftyp(heic|heix|mif1)/s.test(start)) return 'is a HEIC picture';
  if (/^(II\*\0|MM\0\*)/.test(start)) return 'is a TIFF picture';
  if (/^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(start)) return 'is a text file';
  return 'is no picture that is known here';
}
