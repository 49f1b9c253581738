import { type Encoded, ascii, cutShort, viewOf } from './formats.ts';

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
  const width = old ? view.getUint16(18, true) : Math.abs(view.getInt32(18, true));
  const height = old ? view.getUint16(20, true) : Math.abs(view.getInt32(22, true));
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
    plain: bytes,
  };
}
