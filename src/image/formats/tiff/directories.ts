import { damaged } from '../damaged.ts';
import { ascii, viewOf } from '../opened.ts';

/** Numbers of tags. Source: TIFF 6.0; supplements 1 and 2; for what others added, the registry of tags in libtiff. */
export const tags = {
  newSubfileType: 254,
  subfileType: 255,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  make: 271,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  xResolution: 282,
  yResolution: 283,
  planarConfiguration: 284,
  t4Options: 292,
  t6Options: 293,
  resolutionUnit: 296,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  subDirectories: 330,
  inkNames: 333,
  extraSamples: 338,
  sampleFormat: 339,
  jpegTables: 347,
  jpegStart: 513,
  jpegLength: 514,
  yCbCrCoefficients: 529,
  yCbCrSubsampling: 530,
  referenceBlackWhite: 532,
  iccProfile: 34_675,
  noData: 42_113,
  dngVersion: 50_706,
  lercParameters: 50_674,
} as const;

/** One tag's values, read when they are asked for: what lies outside of the file matters only then. */
export interface Tag {
  id: number;
  type: number;
  count: number;
  /** Where the values are, in the directory or elsewhere. */
  start: number;
  byteLength: number;
}

export interface Directory {
  start: number;
  tags: ReadonlyMap<number, Tag>;
}

export interface Tiff {
  name: string;
  bytes: Uint8Array;
  view: DataView;
  little: boolean;
  /** Places have 64 bits. */
  big: boolean;
  /** The chain of directories. */
  directories: readonly Directory[];
}

/** Also with 64-bit places (BigTIFF). */
export function isTiff(bytes: Uint8Array): boolean {
  return /^(II[*+]\0|MM\0[*+])/.test(ascii(bytes, 0, 4));
}

/** A file with more is made to do harm: each costs time before anything is shown. */
const maxDirectories = 65_536;
/** Strips of one line each of the highest picture are far fewer. */
const maxNumbers = 2 ** 22;
/** Bytes of one value by its type; those of types that are not defined cannot be read. */
const typeLengths = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** @throws PixtralError `input` when a directory lies outside of the file, or the chain has no end */
export function readTiff(bytes: Uint8Array, name: string): Tiff {
  const view = viewOf(bytes);
  const little = bytes[0] === 0x49;
  const big = view.byteLength >= 16 && view.getUint16(2, little) === 43;
  if (bytes.byteLength < (big ? 16 : 8)) throw damaged(name, 'TIFF', 'ends before its first directory');
  const directories: Directory[] = [];
  const tiff = { name, bytes, view, little, big, directories };
  const seen = new Set<number>();
  let at = big ? place(tiff, 8) : view.getUint32(4, little);
  while (at !== 0) {
    if (seen.has(at)) throw damaged(name, 'TIFF', 'has directories that follow each other in a circle');
    if (seen.size === maxDirectories) throw damaged(name, 'TIFF', `has more than ${maxDirectories} directories`);
    seen.add(at);
    const { directory, next } = readDirectory(tiff, at);
    directories.push(directory);
    at = next;
  }
  if (directories.length === 0) throw damaged(name, 'TIFF', 'has no directory, so that there is no picture in it');
  return tiff;
}

/** The directories below one, by the tag that lists them. Those outside of the file are left out. */
export function subDirectories(tiff: Tiff, directory: Directory): Directory[] {
  return numbers(tiff, directory, tags.subDirectories)
    .slice(0, 1000)
    .flatMap((at) => {
      try {
        return readDirectory(tiff, at).directory;
      } catch {
        return [];
      }
    });
}

function readDirectory(tiff: Tiff, start: number): { directory: Directory; next: number } {
  const { name, view, little, big } = tiff;
  const size = view.byteLength;
  const countLength = big ? 8 : 2;
  const entryLength = big ? 20 : 12;
  const outside = (): Error => damaged(name, 'TIFF', 'ends before one of its directories does');
  if (start + countLength > size) throw outside();
  const count = big ? place(tiff, start) : view.getUint16(start, little);
  const end = start + countLength + count * entryLength;
  if (count > 65_536 || end > size) throw outside();
  const found = new Map<number, Tag>();
  for (let at = start + countLength; at < end; at += entryLength) {
    const tag = readTag(tiff, at);
    if (!found.has(tag.id)) found.set(tag.id, tag); // as libtiff does when one stands there twice
  }
  const nextEnd = end + (big ? 8 : 4);
  if (nextEnd > size) throw outside();
  return { directory: { start, tags: found }, next: big ? place(tiff, end) : view.getUint32(end, little) };
}

function readTag(tiff: Tiff, at: number): Tag {
  const { view, little, big } = tiff;
  const type = view.getUint16(at + 2, little);
  const count = big ? place(tiff, at + 4) : view.getUint32(at + 4, little);
  const byteLength = count * (typeLengths[type] ?? 0);
  const inside = byteLength <= (big ? 8 : 4);
  const valueAt = at + (big ? 12 : 8);
  const start = inside ? valueAt : big ? place(tiff, valueAt) : view.getUint32(valueAt, little);
  return { id: view.getUint16(at, little), type, count, start, byteLength };
}

/** A 64-bit place; beyond 2^53 it is outside of any file. */
function place({ view, little }: Tiff, at: number): number {
  return Number(view.getBigUint64(at, little));
}

/** @returns none for a tag that is not there. @throws PixtralError `input` for one whose values are not in the file */
export function numbers(tiff: Tiff, { tags: found }: Directory, id: number): number[] {
  const tag = found.get(id);
  if (!tag) return [];
  const bytesOfTag = tagBytes(tiff, tag);
  const length = typeLengths[tag.type] ?? 0;
  if (length === 0) return [];
  const view = viewOf(bytesOfTag);
  if (tag.count > maxNumbers) throw damaged(tiff.name, 'TIFF', `has ${tag.count} values in its tag ${id}`);
  const values = { type: tag.type, little: tiff.little };
  return Array.from({ length: tag.count }, (_, index) => numberAt(view, index * length, values));
}

export function number(tiff: Tiff, directory: Directory, id: number): number | undefined {
  return numbers(tiff, directory, id)[0];
}

/** Values as they stand in the file. */
export function valueBytes(tiff: Tiff, { tags: found }: Directory, id: number): Uint8Array | undefined {
  const tag = found.get(id);
  return tag && tagBytes(tiff, tag);
}

export function text(tiff: Tiff, directory: Directory, id: number): string | undefined {
  const value = valueBytes(tiff, directory, id);
  return value && ascii(value, 0, 1000).replace(/\0.*$/s, '').trim();
}

function tagBytes({ name, bytes }: Tiff, { id, start, byteLength }: Tag): Uint8Array {
  if (start + byteLength > bytes.byteLength) {
    throw damaged(name, 'TIFF', `ends before the values of its tag ${id} do`);
  }
  return bytes.subarray(start, start + byteLength);
}

function numberAt(view: DataView, at: number, { type, little }: { type: number; little: boolean }): number {
  switch (type) {
    case 3:
      return view.getUint16(at, little);
    case 4:
    case 13:
      return view.getUint32(at, little);
    case 5:
      return view.getUint32(at, little) / view.getUint32(at + 4, little);
    case 6:
      return view.getInt8(at);
    case 8:
      return view.getInt16(at, little);
    case 9:
      return view.getInt32(at, little);
    case 10:
      return view.getInt32(at, little) / view.getInt32(at + 4, little);
    case 11:
      return view.getFloat32(at, little);
    case 12:
      return view.getFloat64(at, little);
    case 16:
    case 17:
    case 18:
      return Number(view.getBigInt64(at, little));
    default:
      return view.getUint8(at);
  }
}
