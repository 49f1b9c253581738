import { damaged } from './damaged.ts';
import { type OpenRequest, type Opened, ascii, cutShort } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import { openWithVips } from './vips.ts';

export function isGif(bytes: Uint8Array): boolean {
  return /^GIF8[79]a$/.test(ascii(bytes, 0, 6));
}

/** @throws PixtralError `input` when its trailer does not stand where its blocks end: the decoder would leave frames out */
export async function openGif({ bytes, name }: OpenRequest): Promise<Opened> {
  if (!isWhole(bytes)) throw damaged(name, 'GIF', cutShort);
  checkSize({ width: bytes[6]! | (bytes[7]! << 8), height: bytes[8]! | (bytes[9]! << 8) }, name);
  return openWithVips({ bytes, name, format: 'GIF' });
}

/** Source: GIF89a specification. */
function isWhole(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 14) return false;
  let at = 13 + colourTableLength(bytes[10]!);
  for (; at < bytes.byteLength;) {
    if (bytes[at] === 0x3b) return true;
    if (bytes[at] === 0x21) at = endOfBlocks(bytes, at + 2);
    else if (bytes[at] === 0x2c && at + 10 < bytes.byteLength) {
      at = endOfBlocks(bytes, at + 11 + colourTableLength(bytes[at + 9]!));
    } else return false;
  }
  return false;
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
