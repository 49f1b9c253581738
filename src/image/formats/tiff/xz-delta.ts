import { crc32 } from 'node:zlib';
import { viewOf } from '../opened.ts';

const streamHeaderLength = 12;
const deltaFilter = 3;

/**
 * An XZ stream without the filter that libtiff puts before LZMA2, which the decoder does not know, and the distance of
 * its differences; what has none is as it was, at distance 0. Its block stays as long as it says.
 * Source: the .xz file format 1.1.0, 3.1 and 5.3.3
 */
export function withoutDelta(bytes: Uint8Array): { stream: Uint8Array; distance: number } {
  const none = { stream: bytes, distance: 0 };
  const start = streamHeaderLength;
  const length = ((bytes[start] ?? 0) + 1) * 4;
  const flags = bytes[start + 1] ?? 0;
  // No check: one would be of what stands before the filter. Two filters, no sizes.
  if (bytes[7] !== 0 || flags !== 1 || bytes[start + 2] !== deltaFilter || bytes.length < start + length) return none;
  const distance = bytes[start + 4]! + 1;
  const stream = new Uint8Array(bytes);
  const header = stream.subarray(start, start + length);
  header[1] = 0;
  header.copyWithin(2, 5, length - 4);
  header.fill(0, length - 7, length - 4);
  viewOf(header).setUint32(length - 4, crc32(header.subarray(0, length - 4)), true);
  return { stream, distance };
}

/** In place. */
export function undoDelta(bytes: Uint8Array, distance: number): Uint8Array {
  if (distance > 0) for (let at = distance; at < bytes.length; at++) bytes[at]! += bytes[at - distance]!;
  return bytes;
}
