import { crc32, deflateSync } from 'node:zlib';
import { exifOrientation } from './exif.ts';
import { type Encoded, ascii, cutShort, viewOf, without } from './opened.ts';
import { type PngColours, pngColours } from './png-colours.ts';
import { inspectData, readPngHeader, unfilteredLines } from './png-data.ts';

export interface PngChunk {
  type: string;
  content: Uint8Array;
  /** Where it begins in the file, and ends. */
  start: number;
  end: number;
}

export interface EncodedPng extends Encoded {
  animated: boolean;
  /** As Xcode stores it in apps: `CgBI`. */
  isApple: boolean;
  /** It is grey and has a profile, by which the decoder does not convert it. */
  hasGreyProfile: boolean;
  /** Other ones than the decoder's, which it is not told. */
  stated: PngColours | undefined;
}

export const pngSignature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** Seen to where they matter; the decoder takes nearly sRGB for something else than that. */
const screenChunks = ['gAMA', 'cHRM'];
/** What `cICP` comes before. Source: PNG, third edition, 4.3. */
const profileChunks = ['iCCP', 'sRGB', 'cICP'];
/** What makes the picture; a damaged comment does not matter. */
const pictureChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND', 'acTL', 'fcTL', 'fdAT']);

export function isPng(bytes: Uint8Array): boolean {
  return pngSignature.equals(bytes.subarray(0, 8));
}

/** Source: W3C PNG specification, third edition, chapters 5 and 11. */
export function readPng(bytes: Uint8Array): EncodedPng {
  const chunks = readPngChunks(bytes);
  const contentOf = (sought: string): Uint8Array | undefined => chunks.find(({ type }) => type === sought)?.content;
  const has = (sought: string): boolean => contentOf(sought) !== undefined;
  const header = chunks.find(({ type, content }) => type === 'IHDR' && content.byteLength >= 13)?.content;
  const exif = contentOf('eXIf');
  const hasCodePoints = contentOf('cICP')?.byteLength === 4;
  const left = hasCodePoints ? [...screenChunks, ...profileChunks] : screenChunks;
  return {
    format: 'PNG',
    size: header && { width: viewOf(header).getUint32(0), height: viewOf(header).getUint32(4) },
    damage: damageOf(bytes, chunks, header),
    opaque: header !== undefined && (header[9]! & 4) === 0 && !has('tRNS'), // types 4 and 6 have an alpha channel
    inspection: header && inspectionOf(header, chunks),
    orientation: exif ? exifOrientation(exif) : 1,
    bytes: without(
      bytes,
      chunks.filter(({ type }) => left.includes(type)),
    ),
    animated: has('acTL') && has('fcTL'),
    isApple: has('CgBI'),
    hasGreyProfile: header !== undefined && (header[9]! & 3) === 0 && has('iCCP') && !hasCodePoints,
    stated: pngColours(chunks),
  };
}

/** Up to the end of the picture, or of the file. */
export function readPngChunks(bytes: Uint8Array): PngChunk[] {
  const view = viewOf(bytes);
  const chunks: PngChunk[] = [];
  for (let start = 8; start + 12 <= bytes.byteLength;) {
    const end = start + 12 + view.getUint32(start);
    if (end > bytes.byteLength) break;
    const type = ascii(bytes, start + 4, 4);
    chunks.push({ type, content: bytes.subarray(start + 8, end - 4), start, end });
    if (type === 'IEND') break;
    start = end;
  }
  return chunks;
}

/** With its length and checksum. */
export function chunkBytes(type: string, content: Uint8Array): Buffer {
  const chunk = Buffer.alloc(content.byteLength + 12);
  chunk.writeUInt32BE(content.byteLength);
  chunk.write(type, 4, 'latin1');
  chunk.set(content, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.byteLength - 4);
  return chunk;
}

/** How many colours the palette has; undefined where there is none. */
export function paletteLength(header: Uint8Array, chunks: readonly PngChunk[]): number | undefined {
  if (header[9] !== 3) return undefined;
  return Math.floor((chunks.find(({ type }) => type === 'PLTE')?.content.byteLength ?? 0) / 3);
}

/** The last line tells whether all were there, where it comes last and may not be transparent. */
function inspectionOf(header: Uint8Array, chunks: readonly PngChunk[]): Encoded['inspection'] {
  const colours = paletteLength(header, chunks);
  return {
    isAlwaysDue: header[12] !== 0 || (colours !== undefined && colours < 2 ** header[8]!),
    missingLines: header[9] === 0 ? 'black' : 'clear', // grey
    inspect() {
      const parts = chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content);
      const { found, hasWrongChecksum } = inspectData(readPngHeader(header), parts, colours);
      if (found !== undefined) return { kind: 'damaged', found };
      return { kind: 'whole', repaired: hasWrongChecksum ? repaired(header, chunks) : undefined };
    },
  };
}

/** The same picture with its data compressed anew. */
function repaired(header: Uint8Array, chunks: readonly PngChunk[]): Uint8Array {
  const data = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content));
  const lines = unfilteredLines(readPngHeader(header), data.subarray(2));
  return pngOf(
    chunks.filter(({ type }) => !screenChunks.includes(type)),
    lines!.bytes,
  );
}

/** The file of `chunks` with other lines. */
export function pngOf(chunks: readonly PngChunk[], lines: Uint8Array): Uint8Array {
  return Buffer.concat([
    pngSignature,
    ...chunks
      .filter(({ type }) => type !== 'IDAT' && type !== 'IEND')
      .map(({ type, content }) => chunkBytes(type, content)),
    chunkBytes('IDAT', deflateSync(lines, { level: 1 })),
    chunkBytes('IEND', Buffer.alloc(0)),
  ]);
}

function damageOf(bytes: Uint8Array, chunks: readonly PngChunk[], header: Uint8Array | undefined): string | undefined {
  const view = viewOf(bytes);
  const wrong = chunks.find(
    ({ type, start, end }) =>
      pictureChunks.has(type) && crc32(bytes.subarray(start + 4, end - 4)) !== view.getUint32(end - 4),
  );
  if (wrong) return `has a wrong checksum in its ${wrong.type} part`;
  if (chunks.at(-1)?.type !== 'IEND') return cutShort;
  return header ? undefined : 'has no header';
}
