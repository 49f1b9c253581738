import { constants, inflateRawSync } from 'node:zlib';
import { type Size, dataBreaksOff, viewOf } from './opened.ts';

export interface PngHeader extends Size {
  bits: number;
  colourType: number;
  interlaced: boolean;
}

export function readPngHeader(content: Uint8Array): PngHeader {
  const view = viewOf(content);
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    bits: content[8]!,
    colourType: content[9]!,
    interlaced: content[12] === 1,
  };
}

/** A part of a picture whose lines follow one another: all of it, or one of the seven of Adam7. */
interface Pass extends Size {
  start: number;
  /** Bytes of a line without the one that says how it is filtered. */
  lineLength: number;
}

const adam7: readonly [x: number, y: number, across: number, down: number][] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/**
 * What of the picture's data is missing or makes no sense, and whether the decoder would stop at its checksum: browsers do
 * not mind that one, since those of the chunks hold. Source: PNG, third edition, 7.2, 9 and 11.2.1.
 */
export function inspectData(
  header: PngHeader,
  parts: readonly Uint8Array[],
  paletteLength: number | undefined,
): { found: string | undefined; hasWrongChecksum: boolean } {
  const passes = passesOf(header);
  const stream = Buffer.concat(parts);
  const lines = inflated(stream.subarray(2), endOf(passes)); // behind the two bytes of zlib's header
  if (lines === undefined || lines.byteLength < endOf(passes)) return { found: dataBreaksOff, hasWrongChecksum: false };
  const hasWrongChecksum = !stream.includes(adler32(lines));
  if (!lineStarts(passes).every((at) => lines[at]! <= 4)) {
    return { found: 'cannot be decoded: its data makes no sense', hasWrongChecksum };
  }
  if (paletteLength === undefined || paletteLength >= 2 ** header.bits) return { found: undefined, hasWrongChecksum };
  unfilter(lines, passes, header);
  const isInPalette = highestIndex(lines, passes, header) < paletteLength;
  return { found: isInPalette ? undefined : 'has colours beyond its palette', hasWrongChecksum };
}

/** Source: RFC 1950, 8.2. */
function adler32(bytes: Uint8Array): Buffer {
  let one = 1;
  let two = 0;
  for (let start = 0; start < bytes.length; start += 5552) {
    const end = Math.min(start + 5552, bytes.length); // after as many, sums may leave 32 bits
    for (let at = start; at < end; at++) {
      one += bytes[at]!;
      two += one;
    }
    one %= 65_521;
    two %= 65_521;
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt16BE(two);
  sum.writeUInt16BE(one, 2);
  return sum;
}

function lineStarts(passes: readonly Pass[]): number[] {
  return passes.flatMap(({ start, height, lineLength }) =>
    Array.from({ length: height }, (_, line) => start + line * (lineLength + 1)),
  );
}

/** All lines, each behind a byte that says that it is not filtered, and where each stands; undefined when some are missing. */
export function unfilteredLines(
  header: PngHeader,
  deflated: Uint8Array,
): { bytes: Buffer; places: { start: number; end: number }[] } | undefined {
  const passes = passesOf(header);
  const bytes = inflated(deflated, endOf(passes));
  if (bytes === undefined || bytes.byteLength < endOf(passes)) return undefined;
  unfilter(bytes, passes, header);
  for (const at of lineStarts(passes)) bytes[at] = 0;
  const places = passes.flatMap((pass) =>
    lineStarts([pass]).map((at) => ({ start: at + 1, end: at + 1 + pass.lineLength })),
  );
  return { bytes, places };
}

export function samplesPerPixel({ colourType }: PngHeader): number {
  return { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colourType] ?? 4;
}

function endOf(passes: readonly Pass[]): number {
  const last = passes.at(-1);
  return last === undefined ? 0 : last.start + last.height * (last.lineLength + 1);
}

/** What some writers put behind the last line. */
const maxExcess = 2 ** 20;

/** Of `length` bytes those that are there; undefined when the compressed data is broken. Checksums are not looked at. */
function inflated(deflated: Uint8Array, length: number): Buffer | undefined {
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: length + maxExcess };
    return inflateRawSync(deflated, options).subarray(0, length);
  } catch {
    return undefined;
  }
}

function passesOf(header: PngHeader): Pass[] {
  const { width, height, interlaced } = header;
  const bitsPerPixel = samplesPerPixel(header) * header.bits;
  const grids = interlaced ? adam7 : [[0, 0, 1, 1] as const];
  const passes: Pass[] = [];
  let start = 0;
  for (const [x, y, across, down] of grids) {
    const size = { width: Math.ceil((width - x) / across), height: Math.ceil((height - y) / down) };
    if (size.width < 1 || size.height < 1) continue;
    const lineLength = Math.ceil((size.width * bitsPerPixel) / 8);
    passes.push({ ...size, start, lineLength });
    start += size.height * (lineLength + 1);
  }
  return passes;
}

/** In place. Source: PNG, third edition, 9. */
function unfilter(lines: Buffer, passes: readonly Pass[], header: PngHeader): void {
  const step = Math.max(1, (samplesPerPixel(header) * header.bits) >> 3);
  for (const { start, height, lineLength } of passes) {
    for (let line = 0; line < height; line++) {
      const at = start + line * (lineLength + 1);
      const above = line === 0 ? undefined : at - lineLength - 1;
      unfilterLine(lines, { at, above, end: at + 1 + lineLength, step });
    }
  }
}

function unfilterLine(
  lines: Buffer,
  { at, above, end, step }: { at: number; above: number | undefined; end: number; step: number },
): void {
  const filter = lines[at]!;
  if (filter === 0) return;
  for (let place = at + 1; place < end; place++) {
    const hasLeft = place - step > at;
    const left = hasLeft ? lines[place - step]! : 0;
    const up = above === undefined ? 0 : lines[above + place - at]!;
    const upLeft = hasLeft && above !== undefined ? lines[above + place - at - step]! : 0;
    lines[place] = lines[place]! + predicted(filter, left, up, upLeft);
  }
}

function predicted(filter: number, left: number, up: number, upLeft: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const [toLeft, toUp, toBoth] = [up - upLeft, left - upLeft, left + up - 2 * upLeft].map(Math.abs) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toBoth) return left;
  return toUp <= toBoth ? up : upLeft;
}

function highestIndex(lines: Buffer, passes: readonly Pass[], { bits }: PngHeader): number {
  let highest = 0;
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  for (const { start, width, height, lineLength } of passes) {
    for (let line = 0; line < height; line++) {
      const first = start + line * (lineLength + 1) + 1;
      for (let x = 0; x < width; x++) {
        const shift = 8 - bits * ((x % perByte) + 1);
        highest = Math.max(highest, (lines[first + Math.floor(x / perByte)]! >> shift) & mask);
      }
    }
  }
  return highest;
}
