import { ascii } from './opened.ts';
import type { RawPixels } from './raw-pixels.ts';

/** Also with 64-bit places (BigTIFF). */
export function isTiff(bytes: Uint8Array): boolean {
  return /^(II[*+]\0|MM\0[*+])/.test(ascii(bytes, 0, 4));
}

const short = 3;
const long = 4;
const undefinedBytes = 7;
const headerLength = 8;

/** A file of one uncompressed picture with its ICC profile. Source: TIFF 6.0, sections 2, 6 and 18. */
export function rgbaTiff({ width, height, bytes }: RawPixels, profile: Uint8Array): Uint8Array {
  const bitsAt = headerLength + bytes.byteLength;
  const profileAt = bitsAt + 8;
  const directoryAt = profileAt + profile.byteLength + (profile.byteLength % 2);
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, 4, bitsAt], // bits per sample
    [259, short, 1, 1], // not compressed
    [262, short, 1, 2], // RGB
    [273, long, 1, headerLength], // where the only strip is
    [277, short, 1, 4], // samples per pixel
    [278, long, 1, height], // lines per strip
    [279, long, 1, bytes.byteLength],
    [338, short, 1, 2], // the fourth sample is transparency that the others are not multiplied by
    [34675, undefinedBytes, profile.byteLength, profileAt],
  ];
  const file = Buffer.alloc(directoryAt + 2 + entries.length * 12 + 4);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directoryAt, 4);
  file.set(bytes, headerLength);
  for (let sample = 0; sample < 4; sample++) file.writeUInt16LE(8, bitsAt + sample * 2);
  file.set(profile, profileAt);
  file.writeUInt16LE(entries.length, directoryAt);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = directoryAt + 2 + index * 12;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  return file;
}
