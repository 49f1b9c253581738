import { damaged } from './damaged.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf, without } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import { openWithVips } from './vips.ts';

export function isGif(bytes: Uint8Array): boolean {
  return /^GIF8[79]a$/.test(ascii(bytes, 0, 6));
}

interface GifBlocks {
  /** By the trailer, by the end of the file behind a whole block, or inside one. */
  ending: 'trailer' | 'no trailer' | 'cut short';
  /** Where. */
  end: number;
  frames: number;
  /** Bytes between blocks, which do not belong there. */
  strays: { start: number; end: number }[];
  /** Some frame has a transparent colour. */
  hasTransparency: boolean;
  /** The first frame leaves nothing of the picture out. */
  isCovered: boolean;
  /** Each frame has a palette, its own or the common one. */
  hasPalettes: boolean;
}

/** @throws PixtralError `input` when it ends inside a frame or before the first: the decoder would leave it out */
export async function openGif({ bytes, name }: OpenRequest): Promise<Opened> {
  const blocks = readBlocks(bytes);
  if (blocks.ending === 'cut short' || blocks.frames === 0) throw damaged(name, 'GIF', cutShort);
  checkSize({ width: bytes[6]! | (bytes[7]! << 8), height: bytes[8]! | (bytes[9]! << 8) }, name);
  const isMixed = !blocks.hasTransparency && (blocks.frames > 1 || !blocks.isCovered);
  const file = tidied(bytes, blocks, isMixed ? [clearFrame] : []);
  const opened = await openWithVips({ bytes: file, name, format: 'GIF' });
  const warnings = warningsOf(blocks);
  return {
    ...opened,
    pageCount: opened.pageCount - (isMixed ? 1 : 0),
    page: async (index) => ({ ...(await opened.page(index)), ...(warnings.length > 0 && { warnings }) }),
  };
}

const trailer = 0x3b;

/**
 * One transparent pixel: what no frame has drawn on is black to the decoder unless some frame has a transparent colour,
 * and white to everyone who looks at it.
 */
const clearFrame = Buffer.from('21f90401000000002c0000000001000100800000000000000202440100', 'hex');

/** Without what does not belong there, and with the mark that ends it. */
function tidied(bytes: Uint8Array, { strays, end }: GifBlocks, more: readonly Buffer[]): Uint8Array {
  return Buffer.concat([without(bytes.subarray(0, end), strays), ...more, Buffer.from([trailer])]);
}

function warningsOf({ ending, hasPalettes }: GifBlocks): string[] {
  return [
    ...(ending === 'no trailer' ? ['it ends without the mark that ends a GIF: frames may be missing'] : []),
    ...(hasPalettes ? [] : ['it has no palette: what it does not say is black']),
  ];
}

/** Source: GIF89a specification. */
function readBlocks(bytes: Uint8Array): GifBlocks {
  const blocks: GifBlocks = {
    ending: 'cut short',
    end: 0,
    frames: 0,
    strays: [],
    hasTransparency: false,
    isCovered: false,
    hasPalettes: true,
  };
  if (bytes.byteLength < 14) return blocks;
  let at = 13 + colourTableLength(bytes[10]!);
  while (at < bytes.byteLength && bytes[at] !== trailer) {
    blocks.end = at;
    if (bytes[at] === 0x21) {
      if (bytes[at + 1] === 0xf9 && (bytes[at + 3]! & 1) === 1) blocks.hasTransparency = true;
      at = endOfBlocks(bytes, at + 2);
    } else if (bytes[at] === 0x2c) {
      if (at + 10 > bytes.byteLength) return blocks;
      if (blocks.frames === 0) blocks.isCovered = coversAll(bytes, at);
      if (((bytes[10]! | bytes[at + 9]!) & 0x80) === 0) blocks.hasPalettes = false;
      blocks.frames += 1;
      at = endOfBlocks(bytes, at + 11 + colourTableLength(bytes[at + 9]!));
    } else if (bytes[at] === 0) {
      blocks.strays.push({ start: at, end: at + 1 });
      at += 1;
    } else return { ...blocks, ending: 'no trailer' };
    if (at > bytes.byteLength) return blocks;
  }
  return { ...blocks, ending: at < bytes.byteLength ? 'trailer' : 'no trailer', end: at };
}

/** Whether the frame described at `at` is as large as the picture. */
function coversAll(bytes: Uint8Array, at: number): boolean {
  const view = viewOf(bytes);
  const [x, y, width, height] = [1, 3, 5, 7].map((offset) => view.getUint16(at + offset, true)) as [
    number,
    number,
    number,
    number,
  ];
  return x === 0 && y === 0 && width >= view.getUint16(6, true) && height >= view.getUint16(8, true);
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
