import { viewOf } from './formats.ts';

/**
 * The tag Orientation (0x112) of the first directory of a TIFF structure, 1 to 8; 1 when there is none that is valid.
 * Source: Exif 2.32, 4.6.2 and 4.6.4.A.
 */
export function exifOrientation(tiff: Uint8Array): number {
  const view = viewOf(tiff);
  if (tiff.byteLength < 14) return 1;
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return 1;
  const end = Math.min(directory + 2 + view.getUint16(directory, little) * 12, tiff.byteLength);
  for (let entry = directory + 2; entry + 12 <= end; entry += 12) {
    if (view.getUint16(entry, little) !== 0x112) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
