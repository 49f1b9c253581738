import { orientationAlone, statedOrientation } from './exif.ts';
import { type Encoded, type Size, ascii, cutShort, viewOf } from './opened.ts';

interface Chunk {
  type: string;
  start: number;
  /** Without the byte that pads to an even length. */
  length: number;
}

const flags = { alpha: 0x10, animation: 0x02 } as const;

export function isWebp(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP';
}

/** Source: RFC 9649 (WebP), sections 2 and 3.4. */
export function readWebp(stored: Uint8Array): Encoded & { animated: boolean } {
  const bytes = withPlainOrientation(stored);
  const view = viewOf(bytes);
  const whole = bytes.byteLength >= 20 && view.getUint32(4, true) + 8 <= bytes.byteLength;
  const chunks = whole ? readChunks(bytes.subarray(0, view.getUint32(4, true) + 8)) : [];
  const opening = chunks[0];
  const size = opening && sizeOf(bytes, opening);
  const broken = !size || chunks.some(({ start, length }) => start + length > bytes.byteLength);
  const found = {
    format: 'WebP' as const,
    size,
    damage: broken ? cutShort : undefined,
    opaque: false,
    orientation: 1,
    bytes,
    animated: false,
  };
  if (broken) return found;
  const extended = opening?.type === 'VP8X' ? bytes[opening.start]! : 0;
  const lossless = chunks.find(({ type }) => type === 'VP8L');
  const hasAlpha =
    (extended & flags.alpha) !== 0 || (lossless !== undefined && (bytes[lossless.start + 4]! & 0x10) !== 0);
  return {
    ...found,
    opaque: !hasAlpha,
    colours: hasAlpha ? withoutAlpha(bytes, chunks) : undefined,
    animated: (extended & flags.animation) !== 0,
  };
}

/** In the form that decoders look for: they read numbers of one kind only. */
function withPlainOrientation(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength < 20 || viewOf(bytes).getUint32(4, true) + 8 > bytes.byteLength) return bytes; // cut short
  const exif = readChunks(bytes).find(({ type }) => type === 'EXIF');
  const stated = exif && statedOrientation(bytes.subarray(exif.start, exif.start + exif.length));
  if (!exif || !stated || stated.isStandard) return bytes;
  const content = orientationAlone(stated.value);
  const part = Buffer.alloc(8 + content.byteLength);
  part.write('EXIF', 'latin1');
  part.writeUInt32LE(content.byteLength, 4);
  part.set(content, 8);
  const end = exif.start + exif.length + (exif.length % 2);
  const file = Buffer.concat([bytes.subarray(0, exif.start - 8), part, bytes.subarray(end)]);
  file.writeUInt32LE(file.byteLength - 8, 4);
  return file;
}

function readChunks(bytes: Uint8Array): Chunk[] {
  const chunks: Chunk[] = [];
  const view = viewOf(bytes);
  for (let at = 12; at + 8 <= bytes.byteLength;) {
    const length = view.getUint32(at + 4, true);
    chunks.push({ type: ascii(bytes, at, 4), start: at + 8, length });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

function sizeOf(bytes: Uint8Array, { type, start, length }: Chunk): Size | undefined {
  const view = viewOf(bytes);
  if (length < 10 || start + length > bytes.byteLength) return undefined;
  if (type === 'VP8X') return { width: 1 + uint24(view, start + 4), height: 1 + uint24(view, start + 7) };
  if (type === 'VP8 ') {
    return { width: view.getUint16(start + 6, true) & 0x3fff, height: view.getUint16(start + 8, true) & 0x3fff };
  }
  if (type !== 'VP8L') return undefined;
  const bits = view.getUint32(start + 1, true);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

/** The file with its colours alone. */
function withoutAlpha(bytes: Uint8Array, chunks: readonly Chunk[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { type, start, length } of chunks) {
    if (type === 'ALPH') continue;
    const part = Uint8Array.from(bytes.subarray(start - 8, start + length + (length % 2)));
    if (type === 'VP8X') part[8]! &= ~flags.alpha;
    // "alpha_is_used": without it the decoder gives the stored colours, whatever the transparency.
    if (type === 'VP8L') part[8 + 4]! &= ~0x10;
    parts.push(part);
  }
  const header = Uint8Array.from(bytes.subarray(0, 12));
  const file = Buffer.concat([header, ...parts]);
  file.writeUInt32LE(file.byteLength - 8, 4);
  return file;
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
