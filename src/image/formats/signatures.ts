import { ascii } from './opened.ts';

/** How files of pictures begin. Formats that share a beginning with others are left to their name. */
const beginnings: readonly RegExp[] = [
  /^\x89PNG\r\n/,
  /^\xff\xd8\xff/, // JPEG
  /^GIF8[79]a/,
  /^RIFF.{4}WEBP/s,
  /^.{4}ftyp(avi[fs]|hei[cfmsx]|hev[cmsx]|mif1|msf1)/s, // AVIF, HEIC
  /^(II\*\0|MM\0\*)/, // TIFF
  /^BM.{12}[(@l|]\0\0\0/s, // the lengths of its headers
  /^%PDF-/,
  /^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i,
];

/** Bytes of a file that are enough to tell. */
export const openingBytes = 512;

/** Whether a file that begins so is a picture, whole or not. Asks no decoder, so that looking through a folder is safe. */
export function looksLikePicture(opening: Uint8Array): boolean {
  const text = ascii(opening, 0, openingBytes);
  return text.startsWith('\0\0\x01\0') /* ICO */ || beginnings.some((beginning) => beginning.test(text));
}
