import { type Encoded, type Size, ascii, cutShort, viewOf } from './opened.ts';

/** Lengths of the second header in use; they tell a BMP from a text that begins with BM. */
const headerLengths = [12, 40, 52, 56, 64, 108, 124];

export function isBmp(bytes: Uint8Array): boolean {
  return (
    ascii(bytes, 0, 2) === 'BM' && bytes.byteLength >= 30 && headerLengths.includes(viewOf(bytes).getUint32(14, true))
  );
}

/** Source: Microsoft, BITMAPFILEHEADER and BITMAPINFOHEADER. */
export function readBmp(bytes: Uint8Array): Encoded {
  const view = viewOf(bytes);
  const old = view.getUint32(14, true) === 12;
  const { width, height } = readBmpSize(viewOf(bytes.subarray(14)));
  const bits = view.getUint16(old ? 24 : 28, true);
  const compressed = !old && bytes.byteLength >= 34 && [1, 2, 4, 5].includes(view.getUint32(30, true));
  const lineLength = Math.ceil((width * bits) / 32) * 4;
  const end = view.getUint32(10, true) + (compressed ? 0 : lineLength * height);
  return {
    format: 'BMP',
    size: { width, height },
    damage: end <= bytes.byteLength ? undefined : cutShort,
    opaque: false,
    orientation: 1,
    bytes,
  };
}

/** Of the second header, BITMAPCOREHEADER or any that begins like BITMAPINFOHEADER. */
export function readBmpSize(header: DataView): Size {
  if (header.getUint32(0, true) === 12) return { width: header.getUint16(4, true), height: header.getUint16(6, true) };
  // A negative height says that the first line is the top one.
  return { width: Math.abs(header.getInt32(4, true)), height: Math.abs(header.getInt32(8, true)) };
}
