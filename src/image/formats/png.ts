import { crc32 } from 'node:zlib';
import { exifOrientation } from './exif.ts';
import { type Encoded, ascii, cutShort, viewOf, without } from './opened.ts';

export interface PngChunk {
  type: string;
  content: Uint8Array;
  /** Where it begins in the file, and ends. */
  start: number;
  end: number;
}

export const pngSignature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** Measurements of some old screen, which the reference ignores and the decoder would not; profiles stay. */
const screenChunks = new Set(['gAMA', 'cHRM']);
/** What makes the picture; a damaged comment does not matter. */
const pictureChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND', 'acTL', 'fcTL', 'fdAT']);

export function isPng(bytes: Uint8Array): boolean {
  return pngSignature.equals(bytes.subarray(0, 8));
}

/** Source: W3C PNG specification, third edition, chapters 5 and 11. */
export function readPng(bytes: Uint8Array): Encoded & { animated: boolean } {
  const chunks = readPngChunks(bytes);
  const header = chunks.find(({ type, content }) => type === 'IHDR' && content.byteLength >= 13)?.content;
  const exif = chunks.find(({ type }) => type === 'eXIf')?.content;
  const has = (sought: string): boolean => chunks.some(({ type }) => type === sought);
  return {
    format: 'PNG',
    size: header && { width: viewOf(header).getUint32(0), height: viewOf(header).getUint32(4) },
    damage: damageOf(bytes, chunks, header),
    opaque: header !== undefined && (header[9]! & 4) === 0 && !has('tRNS'), // types 4 and 6 have an alpha channel
    orientation: exif ? exifOrientation(exif) : 1,
    bytes: without(
      bytes,
      chunks.filter(({ type }) => screenChunks.has(type)),
    ),
    animated: has('acTL') && has('fcTL'),
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
