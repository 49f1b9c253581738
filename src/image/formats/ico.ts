import { PixtralError } from '../../base/errors.ts';
import { readBmpSize } from './bmp.ts';
import { type Encoded, type Size, cutShort, viewOf } from './opened.ts';
import { isPng, readPng } from './png.ts';

interface Entry {
  start: number;
  end: number;
}

/** Icons and cursors: their header is nothing but small numbers, so the first entry is looked at too. */
export function isIco(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 22) return false;
  const view = viewOf(bytes);
  const kind = view.getUint16(2, true);
  if (view.getUint16(0) !== 0 || (kind !== 1 && kind !== 2)) return false;
  const [first] = entriesOf(bytes);
  return first !== undefined && first.start >= 22 && first.start < bytes.byteLength;
}

/**
 * The decoder takes the largest. Source: Microsoft, "Icons in Win32".
 * @throws PixtralError `input` for a depth that the decoder does not have
 */
export function readIco({ bytes, name }: { bytes: Uint8Array; name: string }): Encoded {
  const pictures = entriesOf(bytes).map((entry) => readEntry(bytes, entry));
  if (pictures.some(({ bits }) => bits === 16)) {
    throw new PixtralError('input', `${name}: is an icon of 16 bits a pixel, expected 1, 4, 8, 24 or 32`, {
      hint: 'no decoder here reads it; save it as a PNG first',
    });
  }
  const sizes = pictures.flatMap(({ size }) => size ?? []);
  return {
    format: 'ICO',
    size: sizes.sort((one, other) => other.width * other.height - one.width * one.height)[0],
    damage: pictures.find(({ damage }) => damage !== undefined)?.damage,
    opaque: false,
    orientation: 1,
    bytes: asIcon(bytes),
  };
}

/** The decoder knows cursors no more: they differ in one number, and in where they point. */
function asIcon(bytes: Uint8Array): Uint8Array {
  if (bytes[2] === 1) return bytes;
  const icon = Uint8Array.from(bytes);
  icon[2] = 1;
  return icon;
}

function entriesOf(bytes: Uint8Array): Entry[] {
  const view = viewOf(bytes);
  const count = Math.min(view.getUint16(4, true), Math.floor((bytes.byteLength - 6) / 16));
  return Array.from({ length: count }, (_, index) => {
    const start = view.getUint32(6 + index * 16 + 12, true);
    return { start, end: start + view.getUint32(6 + index * 16 + 8, true) };
  });
}

interface IconPicture {
  size: Size | undefined;
  damage: string | undefined;
  /** A pixel's, of a BMP. */
  bits?: number;
}

/** A PNG, or a BMP without its first header and of twice the height: colours above, mask below. */
function readEntry(bytes: Uint8Array, { start, end }: Entry): IconPicture {
  const picture = bytes.subarray(start, end);
  if (end > bytes.byteLength || picture.byteLength < 40) return { size: undefined, damage: cutShort };
  if (isPng(picture)) return readPng(picture);
  const view = viewOf(picture);
  const { width, height } = readBmpSize(view);
  return { size: { width, height: Math.ceil(height / 2) }, damage: undefined, bits: view.getUint16(14, true) };
}
