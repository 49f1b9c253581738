import { exifDate } from './exif.ts';
import { isPng, readPngChunks } from './png.ts';
import { isTiff } from './tiff/directories.ts';

/** Cameras write it near the beginning; what stands megabytes behind it belongs to another picture. */
const searchedBytes = 1 << 20;

/** When a picture was taken, by its EXIF part: `2024-05-04 17:31:02`; undefined when it does not say. */
export function pictureDate(bytes: Uint8Array): string | undefined {
  const tiff = exifPart(bytes);
  return tiff && exifDate(tiff);
}

/** In PNG a chunk and in TIFF the file itself; in JPEG, WebP, HEIC and AVIF it has this mark before it, or none. */
function exifPart(bytes: Uint8Array): Uint8Array | undefined {
  if (isTiff(bytes)) return bytes;
  if (isPng(bytes)) return readPngChunks(bytes).find(({ type }) => type === 'eXIf')?.content;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const opening = text.subarray(0, searchedBytes);
  for (const order of ['II*\0', 'MM\0*']) {
    const marked = opening.indexOf(`Exif\0\0${order}`, 0, 'latin1');
    if (marked >= 0) return text.subarray(marked + 6);
  }
  // A WebP's stands behind its pixels, and may lack the mark.
  const chunk = text.subarray(0, 4).toString('latin1') === 'RIFF' ? text.lastIndexOf('EXIF', undefined, 'latin1') : -1;
  return chunk >= 0 && isTiff(text.subarray(chunk + 8)) ? text.subarray(chunk + 8) : undefined;
}
