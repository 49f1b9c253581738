import { type Directory, type Tiff, number, numbers, tags } from '../tiff/directories.ts';
import { photometrics } from '../tiff/layout.ts';
import { isJpeg, readJpeg } from '../jpeg.ts';
import type { Size } from '../opened.ts';
import { isRaw, sizeOf } from './raw-directories.ts';

/** A picture that a camera or converter has put into a raw file. */
export type Preview = Size & ({ kind: 'jpeg'; bytes: Uint8Array } | { kind: 'directory'; directory: Directory });

/** A file full of beginnings is made to do harm. */
const maxBeginnings = 10_000;

/** Whole JPEGs anywhere in a file. Raw samples may be packed as JPEGs too, but as lossless ones. */
export function jpegsIn(bytes: Uint8Array): Preview[] {
  const previews: Preview[] = [];
  const begin = Buffer.from([0xff, 0xd8, 0xff]);
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = file.indexOf(begin);
  for (let count = 0; at >= 0 && count < maxBeginnings; count++) {
    const preview = jpegAt(bytes.subarray(at));
    if (preview) previews.push(preview);
    // Thumbnails inside of one are smaller than it is.
    at = file.indexOf(begin, at + (preview?.kind === 'jpeg' ? preview.bytes.byteLength : 3));
  }
  return previews;
}

/** Directories of a DNG that are pictures: its raw samples are in others, often in JPEGs too. */
export function pictureDirectories(tiff: Tiff, directories: readonly Directory[]): Preview[] {
  return directories.flatMap((directory) => {
    const size = sizeOf(tiff, directory);
    const colours = number(tiff, directory, tags.photometric);
    const [start, ...more] = numbers(tiff, directory, tags.stripOffsets);
    const jpegStart = number(tiff, directory, tags.jpegStart) ?? (more.length === 0 ? start : undefined);
    if (isRaw(tiff, directory)) return [];
    const jpeg = jpegStart === undefined ? undefined : jpegAt(tiff.bytes.subarray(jpegStart));
    if (jpeg) return jpeg;
    const isPicture = colours === photometrics.rgb || colours === photometrics.yCbCr;
    return isPicture ? [{ ...size, kind: 'directory' as const, directory }] : [];
  });
}

function jpegAt(bytes: Uint8Array): Preview | undefined {
  if (!isJpeg(bytes)) return undefined;
  const { size, damage, unreadable, end } = readJpeg(bytes);
  if (!size || damage !== undefined || unreadable !== undefined) return undefined;
  return { ...size, kind: 'jpeg', bytes: bytes.subarray(0, end) };
}
