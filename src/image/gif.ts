import { type Encoded, ascii, cutShort, viewOf } from './formats.ts';

export function isGif(bytes: Uint8Array): boolean {
  return /^GIF8[79]a$/.test(ascii(bytes, 0, 6));
}

/** Complete when its first frame is: the others are never looked at. Source: GIF89a specification. */
export function readGif(bytes: Uint8Array): Encoded {
  const view = viewOf(bytes);
  const size = bytes.byteLength >= 13 ? { width: view.getUint16(6, true), height: view.getUint16(8, true) } : undefined;
  const damage = size && hasFrame(bytes) ? undefined : cutShort;
  return { format: 'GIF', size, damage, opaque: false, orientation: 1, plain: bytes };
}

function hasFrame(bytes: Uint8Array): boolean {
  let at = 13 + colourTableLength(bytes[10]!);
  for (; bytes[at] === 0x21; at = endOfBlocks(bytes, at + 2)); // extensions
  if (bytes[at] !== 0x2c || at + 10 > bytes.byteLength) return false;
  return endOfBlocks(bytes, at + 11 + colourTableLength(bytes[at + 9]!)) <= bytes.byteLength;
}

function colourTableLength(packed: number): number {
  return packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0;
}

/** The place after the empty block that ends a run of blocks; beyond the file when there is none. */
function endOfBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.byteLength && bytes[at] !== 0) at += 1 + bytes[at]!;
  return at + 1;
}
