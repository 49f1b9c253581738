import { type FrameArea, clearFrame } from './clear-frame.ts';
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
  /** Frames that are cleared away before the next, which have no transparent colour to be cleared to. */
  clearings: Clearing[];
  /** Some frame has a transparent colour. */
  hasTransparency: boolean;
  /** The first frame leaves nothing of the picture out. */
  isCovered: boolean;
  /** Each frame has a palette, its own or the common one. */
  hasPalettes: boolean;
}

interface Clearing {
  /** Of the frame, 0-based. */
  frame: number;
  area: FrameArea;
  /** Where the frame ends. */
  end: number;
}

/** @throws PixtralError `input` when it ends inside a frame or before the first: the decoder would leave it out */
export async function openGif({ bytes, name }: OpenRequest): Promise<Opened> {
  const blocks = readBlocks(bytes);
  if (blocks.ending === 'cut short' || blocks.frames === 0) throw damaged(name, 'GIF', cutShort);
  checkSize({ width: bytes[6]! | (bytes[7]! << 8), height: bytes[8]! | (bytes[9]! << 8) }, name);
  const clearings = blocks.clearings.filter(({ frame }) => frame < blocks.frames - 1);
  const opened = await openWithVips({ bytes: tidied(bytes, blocks, clearings), name, format: 'GIF' });
  const warnings = warningsOf(blocks);
  return {
    ...opened,
    pageCount: blocks.frames,
    async page(index) {
      const added = clearings.filter(({ frame }) => frame < index).length;
      return { ...(await opened.page(index + added)), ...(warnings.length > 0 && { warnings }) };
    },
  };
}

const trailer = 0x3b;
/** A way of disposal. */
const clearedAfter = 2;

/**
 * Without what does not belong there, and with the mark that ends it. What no frame has drawn on, and what is cleared, is
 * white to everyone who looks at it; to the decoder it is only if some frame, or the one that is cleared, has a
 * transparent colour. So frames follow that do nothing but clear.
 */
function tidied(bytes: Uint8Array, blocks: GifBlocks, clearings: readonly Clearing[]): Uint8Array {
  const { strays, end, hasTransparency, frames, isCovered } = blocks;
  const isMixed = !hasTransparency && clearings.length === 0 && (frames > 1 || !isCovered);
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const clearing of clearings) {
    parts.push(within(bytes, strays, { start, end: clearing.end }), clearFrame(clearing.area));
    start = clearing.end;
  }
  parts.push(within(bytes, strays, { start, end }));
  if (isMixed) parts.push(clearFrame({ left: 0, top: 0, width: 1, height: 1 }));
  return Buffer.concat([...parts, Buffer.from([trailer])]);
}

function within(bytes: Uint8Array, strays: GifBlocks['strays'], { start, end }: { start: number; end: number }) {
  const inside = strays.filter((stray) => stray.start >= start && stray.end <= end);
  return without(
    bytes.subarray(start, end),
    inside.map((stray) => ({ start: stray.start - start, end: stray.end - start })),
  );
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
    clearings: [],
    hasTransparency: false,
    isCovered: false,
    hasPalettes: true,
  };
  if (bytes.byteLength < 14) return blocks;
  let at = 13 + colourTableLength(bytes[10]!);
  let isCleared = false;
  while (at < bytes.byteLength && bytes[at] !== trailer) {
    blocks.end = at;
    if (bytes[at] === 0x21) {
      if (bytes[at + 1] === 0xf9) {
        const isTransparent = (bytes[at + 3]! & 1) === 1;
        if (isTransparent) blocks.hasTransparency = true;
        isCleared = !isTransparent && ((bytes[at + 3]! >> 2) & 7) === clearedAfter;
      }
      at = endOfBlocks(bytes, at + 2);
    } else if (bytes[at] === 0x2c) {
      if (at + 10 > bytes.byteLength) return blocks;
      if (blocks.frames === 0) blocks.isCovered = coversAll(bytes, at);
      if (((bytes[10]! | bytes[at + 9]!) & 0x80) === 0) blocks.hasPalettes = false;
      const area = areaOf(bytes, at);
      at = endOfBlocks(bytes, at + 11 + colourTableLength(bytes[at + 9]!));
      if (isCleared && area) blocks.clearings.push({ frame: blocks.frames, area, end: at });
      isCleared = false;
      blocks.frames += 1;
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
  const area = areaOf(bytes, at);
  const view = viewOf(bytes);
  return area?.width === view.getUint16(6, true) && area.height === view.getUint16(8, true);
}

/** What of the frame described at `at` lies within the picture. */
function areaOf(bytes: Uint8Array, at: number): FrameArea | undefined {
  const view = viewOf(bytes);
  const value = (place: number): number => view.getUint16(place, true);
  const [left, top] = [value(at + 1), value(at + 3)];
  const width = Math.min(value(at + 5), value(6) - left);
  const height = Math.min(value(at + 7), value(8) - top);
  return width > 0 && height > 0 ? { left, top, width, height } : undefined;
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
