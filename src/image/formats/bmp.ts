import { isJpeg } from './jpeg.ts';
import { openJpeg } from './open-jpeg.ts';
import { openPng } from './open-png.ts';
import { type Encoded, type OpenRequest, type Opened, type Size, ascii, cutShort, viewOf } from './opened.ts';
import { isPng } from './png.ts';
import { openWithSkia } from './skia.ts';

/** Lengths of the second header in use; they tell a BMP from a text that begins with BM. */
const headerLengths = [12, 40, 52, 56, 64, 108, 124];

export function isBmp(bytes: Uint8Array): boolean {
  return (
    ascii(bytes, 0, 2) === 'BM' && bytes.byteLength >= 30 && headerLengths.includes(viewOf(bytes).getUint32(14, true))
  );
}

/** Source: Microsoft, BITMAPFILEHEADER and BITMAPINFOHEADER. */
function readBmp(bytes: Uint8Array): Encoded {
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
    bytes: view.getUint32(14, true) === 56 && end <= bytes.byteLength ? withLongerHeader(bytes) : bytes,
  };
}

/** A BMP may hold a PNG or a JPEG, which printers take so. */
export function openBmp({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Opened | Promise<Opened> {
  const encoded = readBmp(bytes);
  const view = viewOf(bytes);
  const isNew = view.getUint32(14, true) >= 40 && bytes.byteLength >= 34;
  const inside = bytes.subarray(view.getUint32(10, true));
  if (isNew && view.getUint32(30, true) === 5 && isPng(inside)) return openPng({ bytes: inside, name });
  if (isNew && view.getUint32(30, true) === 4 && isJpeg(inside)) return openJpeg({ bytes: inside, name });
  return openWithSkia(encoded, name);
}

/** As BITMAPV4HEADER, the first in which the decoder looks for the mask of alpha: BITMAPV3INFOHEADER has it too. */
function withLongerHeader(bytes: Uint8Array): Uint8Array {
  const [from, to] = [56, 108];
  const file = Buffer.concat([bytes.subarray(0, 14 + from), Buffer.alloc(to - from), bytes.subarray(14 + from)]);
  file.writeUInt32LE(to, 14);
  file.writeUInt32LE(file.readUInt32LE(10) + to - from, 10);
  return file;
}

/** Of the second header, BITMAPCOREHEADER or any that begins like BITMAPINFOHEADER. */
export function readBmpSize(header: DataView): Size {
  if (header.getUint32(0, true) === 12) return { width: header.getUint16(4, true), height: header.getUint16(6, true) };
  // A negative height says that the first line is the top one.
  return { width: Math.abs(header.getInt32(4, true)), height: Math.abs(header.getInt32(8, true)) };
}
