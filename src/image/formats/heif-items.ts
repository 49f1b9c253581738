import { type Box, BoxReader, boxAt, boxesIn } from './boxes.ts';
import type { CodePoints } from '../colour/code-points.ts';
import { type CleanAperture, type Turn } from './clean-aperture.ts';
import { type Size, ascii, cutShort, viewOf } from './opened.ts';

/** A picture, tile, thumbnail or block of metadata of a HEIC or AVIF. */
export interface HeifItem {
  id: number;
  type: string;
  size: Size | undefined;
  /** `nclx`: how its samples become light. */
  colours: CodePoints | undefined;
  /** Its colours are stored at every pixel, as far as `av1C` says so. */
  hasFullColour: boolean;
  /** It has an ICC profile, which comes before `colours`. */
  hasProfile: boolean;
  /** Its colours are multiplied by how opaque they are. */
  isPremultiplied: boolean;
  /** `clap`, `irot` and `imir`: the part that is meant to be seen, and how it is turned. */
  crop: CleanAperture | undefined;
  turns: readonly Turn[];
}

export interface HeifItems {
  items: Map<number, HeifItem>;
  /** Pictures in their own right, in their order in the file: no tiles, thumbnails or masks. */
  pictures: readonly HeifItem[];
  /** How pictures and tiles are stored: `hvc1`, `av01`; undefined where there are none. */
  codec: string | undefined;
  /** Where the number of the main picture stands, and its length in bytes. */
  primary: { at: number; byteLength: number } | undefined;
  /** Where `nclx` and its numbers stand. */
  nclxPlaces: readonly number[];
  /** Why not all of the pictures are in the file. */
  damage: string | undefined;
}

/** What metadata of pictures is called; a file that lacks some of it still shows its picture. */
const metadataTypes = new Set(['Exif', 'mime', 'uri ', '']);

/** Pictures that are put together from others. */
const derived = new Set(['grid', 'iden', 'iovl', 'tmap', 'mski', 'rgan']);

/**
 * The items of a HEIC or AVIF, wherever in the file their table stands. What stands behind the boxes does not matter.
 * Source: ISO/IEC 14496-12, 8.11; 23008-12.
 */
export function readHeifItems(bytes: Uint8Array): HeifItems {
  const top = boxesIn(bytes, 0, bytes.byteLength);
  const meta = top.find(({ type }) => type === 'meta');
  const none = {
    items: new Map<number, HeifItem>(),
    pictures: [],
    codec: undefined,
    primary: undefined,
    nclxPlaces: [],
  };
  if (!meta || meta.end > bytes.byteLength) {
    const film = top.find(({ type }) => type === 'moov');
    return { ...none, damage: film && film.end <= bytes.byteLength ? undefined : cutShort };
  }
  try {
    return readMeta(bytes, { ...meta, start: meta.start + 4 });
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return { ...none, damage: 'has a table of its pictures that breaks off' };
  }
}

function readMeta(bytes: Uint8Array, meta: Box): HeifItems {
  const types = readTypes(bytes, meta);
  const references = readReferences(bytes, meta);
  const refersBy = (id: number, type: string): boolean =>
    references.some((reference) => reference.from === id && reference.type === type);
  const items = new Map<number, HeifItem>();
  const properties = readProperties(bytes, meta);
  for (const [id, { type }] of types) {
    items.set(id, { id, type, ...describe(bytes, properties.get(id) ?? []), isPremultiplied: refersBy(id, 'prem') });
  }
  const isPicture = ({ id, type }: HeifItem): boolean =>
    !types.get(id)!.hidden && !metadataTypes.has(type) && !refersBy(id, 'thmb') && !refersBy(id, 'auxl');
  const primary = boxAt(bytes, meta, 'pitm');
  return {
    items,
    pictures: [...items.values()].filter(isPicture),
    codec: [...items.values()].map(({ type }) => type).find((type) => !metadataTypes.has(type) && !derived.has(type)),
    primary: primary && { at: primary.start + 4, byteLength: bytes[primary.start] === 0 ? 2 : 4 },
    nclxPlaces: nclxPlaces(bytes, meta),
    damage: endOfPictures(bytes, meta, items) > bytes.byteLength ? cutShort : undefined,
  };
}

function readTypes(bytes: Uint8Array, meta: Box): Map<number, { type: string; hidden: boolean }> {
  const types = new Map<number, { type: string; hidden: boolean }>();
  const box = boxAt(bytes, meta, 'iinf');
  if (!box) return types;
  const countLength = bytes[box.start] === 0 ? 2 : 4;
  for (const entry of boxesIn(bytes, box.start + 4 + countLength, box.end)) {
    if (entry.type !== 'infe') continue;
    const reader = new BoxReader(bytes, entry);
    const { version, flags } = reader.versionAndFlags();
    if (version < 2) continue;
    const id = reader.number(version === 2 ? 2 : 4);
    reader.number(2); // protection
    types.set(id, { type: reader.name(), hidden: (flags & 1) !== 0 });
  }
  return types;
}

/** `thmb` from a thumbnail, `auxl` from a mask, `prem` from a picture whose colours are multiplied by its mask. */
function readReferences(bytes: Uint8Array, meta: Box): { type: string; from: number }[] {
  const box = boxAt(bytes, meta, 'iref');
  if (!box) return [];
  const idLength = bytes[box.start] === 0 ? 2 : 4;
  return boxesIn(bytes, box.start + 4, box.end).map((reference) => ({
    type: reference.type,
    from: new BoxReader(bytes, reference).number(idLength),
  }));
}

/** The boxes of properties of each item. */
function readProperties(bytes: Uint8Array, meta: Box): Map<number, Box[]> {
  const container = boxAt(bytes, meta, 'iprp', 'ipco');
  const properties = container ? boxesIn(bytes, container.start, container.end) : [];
  const table = boxAt(bytes, meta, 'iprp', 'ipma');
  const byItem = new Map<number, Box[]>();
  if (!table) return byItem;
  const reader = new BoxReader(bytes, table);
  const { version, flags } = reader.versionAndFlags();
  for (let left = reader.number(4); left > 0; left--) {
    const id = reader.number(version === 0 ? 2 : 4);
    const own = byItem.get(id) ?? [];
    for (let count = reader.number(1); count > 0; count--) {
      const index = flags & 1 ? reader.number(2) & 0x7fff : reader.number(1) & 0x7f;
      const property = properties[index - 1];
      if (property) own.push(property);
    }
    byItem.set(id, own);
  }
  return byItem;
}

type Described = Omit<HeifItem, 'id' | 'type' | 'isPremultiplied'>;

function describe(bytes: Uint8Array, properties: readonly Box[]): Described {
  const colour = properties.filter(({ type }) => type === 'colr');
  const kinds = colour.map(({ start }) => ascii(bytes, start, 4));
  const nclx = colour[kinds.indexOf('nclx')];
  const extent = properties.find(({ type }) => type === 'ispe');
  const aperture = properties.find(({ type }) => type === 'clap');
  const stream = properties.find(({ type }) => type === 'av1C');
  return {
    size: extent && readExtent(bytes, extent),
    colours: nclx && readNclx(bytes, nclx),
    hasFullColour: stream !== undefined && ((bytes[stream.start + 2] ?? 0xff) & 0x1c) === 0, // neither grey nor subsampled
    hasProfile: kinds.includes('prof') || kinds.includes('rICC'),
    crop: aperture && readAperture(bytes, aperture),
    turns: properties.flatMap(({ type, start }): Turn[] => {
      if (type === 'irot') return [{ kind: 'rotated', quarters: bytes[start]! & 3 }];
      return type === 'imir' ? [{ kind: 'mirrored', leftRight: (bytes[start]! & 1) === 1 }] : [];
    }),
  };
}

function readExtent(bytes: Uint8Array, box: Box): Size {
  const reader = new BoxReader(bytes, box);
  reader.versionAndFlags();
  return { width: reader.number(4), height: reader.number(4) };
}

/** Fractions: width, height, and how far the middle lies right of and below that of the whole. */
function readAperture(bytes: Uint8Array, { start }: Box): CleanAperture {
  const view = viewOf(bytes);
  const fraction = (at: number): number => view.getInt32(at) / Math.max(view.getInt32(at + 4), 1);
  return {
    width: fraction(start),
    height: fraction(start + 8),
    right: fraction(start + 16),
    down: fraction(start + 24),
  };
}

function nclxPlaces(bytes: Uint8Array, meta: Box): number[] {
  const container = boxAt(bytes, meta, 'iprp', 'ipco');
  if (!container) return [];
  return boxesIn(bytes, container.start, container.end)
    .filter(({ type, start }) => type === 'colr' && ascii(bytes, start, 4) === 'nclx')
    .map(({ start }) => start);
}

/** Also of a film's track. */
export function readNclx(bytes: Uint8Array, { start, end }: Box): CodePoints {
  const reader = new BoxReader(bytes, { start: start + 4, end });
  return { primaries: reader.number(2), transfer: reader.number(2) };
}

/** Where the last byte of a picture should stand, and of nothing else. */
function endOfPictures(bytes: Uint8Array, meta: Box, items: ReadonlyMap<number, HeifItem>): number {
  const box = boxAt(bytes, meta, 'iloc');
  if (!box) return 0;
  const reader = new BoxReader(bytes, box);
  const { version } = reader.versionAndFlags();
  const [lengths, more] = [reader.number(1), reader.number(1)];
  const [offsetLength, lengthLength, baseLength] = [lengths >> 4, lengths & 15, more >> 4];
  const indexLength = version === 0 ? 0 : more & 15;
  let last = 0;
  for (let left = reader.number(version < 2 ? 2 : 4); left > 0; left--) {
    const id = reader.number(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : reader.number(2) & 15; // 0: in the file, 1: in this table, 2: in another item
    const inOtherFile = reader.number(2) !== 0;
    const base = reader.number(baseLength);
    for (let count = reader.number(2); count > 0; count--) {
      reader.number(indexLength);
      const end = base + reader.number(offsetLength) + reader.number(lengthLength);
      if (method === 0 && !inOtherFile && !metadataTypes.has(items.get(id)?.type ?? '')) last = Math.max(last, end);
    }
  }
  return last;
}
