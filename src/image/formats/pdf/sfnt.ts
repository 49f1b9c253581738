/**
 * Just enough of OpenType to find a font by its name and to tell which characters it has.
 * Source: OpenType 1.9.1, chapters `otff`, `name`, `cmap`, `OS/2`, `post`.
 */
export interface FaceTraits {
  /** As `plainName` gives them: family, full and PostScript names in all languages. */
  names: ReadonlySet<string>;
  /** 100 to 900. */
  weight: number;
  italic: boolean;
}

/** Reads a range of a font file; shorter at its end. */
export type ReadRange = (start: number, length: number) => Buffer;

type Tables = ReadonlyMap<string, { start: number; length: number }>;

/** Files of one face start with one of the versions; collections hold several. */
const versions = new Set(['\0\u0001\0\0', 'OTTO', 'true']);
const maxFaces = 64;
/** Names and character maps of real fonts stay far below. */
const maxTableLength = 2 ** 24;

/** Where the table directory of each face starts; none for what is no OpenType font. */
export function faceStarts(read: ReadRange): number[] {
  const header = read(0, 12);
  const tag = header.toString('latin1', 0, 4);
  if (versions.has(tag)) return [0];
  if (tag !== 'ttcf' || header.length < 12) return [];
  const count = Math.min(header.readUInt32BE(8), maxFaces);
  const places = read(12, count * 4);
  return Array.from({ length: places.length >> 2 }, (_, index) => places.readUInt32BE(index * 4));
}

export function faceTraits(read: ReadRange, start: number): FaceTraits {
  const tables = readTables(read, start);
  const os2 = tableBytes(read, tables, 'OS/2');
  const selection = os2.length >= 64 ? os2.readUInt16BE(62) : 0;
  return {
    names: readNames(tableBytes(read, tables, 'name')),
    weight: os2.length >= 6 ? os2.readUInt16BE(4) : 400,
    italic: (selection & 1) !== 0,
  };
}

/** Tells whether a face has a character. */
export function faceCoverage(read: ReadRange, start: number): (codePoint: number) => boolean {
  return characterMap(tableBytes(read, readTables(read, start), 'cmap'));
}

/** One face of a collection as a file of its own. */
export function standaloneFace(read: ReadRange, start: number): Uint8Array {
  const tables = [...readTables(read, start)];
  const header = Buffer.from(read(start, 12));
  const directory = Buffer.alloc(tables.length * 16);
  const parts: Buffer[] = [];
  let place = 12 + directory.length;
  for (const [index, [tag, { start: from, length }]] of tables.entries()) {
    const bytes = read(from, length);
    directory.write(tag, index * 16, 'latin1');
    directory.writeUInt32BE(place, index * 16 + 8);
    directory.writeUInt32BE(bytes.length, index * 16 + 12);
    const padding = Buffer.alloc(-bytes.length & 3);
    parts.push(bytes, padding);
    place += bytes.length + padding.length;
  }
  header.writeUInt16BE(tables.length, 4);
  return Buffer.concat([header, directory, ...parts]);
}

/** `Times New Roman`, `TimesNewRoman` and `times-new-roman` are one font. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[\s,_-]/g, '');
}

function readTables(read: ReadRange, start: number): Tables {
  const header = read(start, 12);
  if (header.length < 12) return new Map();
  const directory = read(start + 12, header.readUInt16BE(4) * 16);
  return new Map(
    Array.from({ length: directory.length >> 4 }, (_, index) => {
      const at = index * 16;
      const place = { start: directory.readUInt32BE(at + 8), length: directory.readUInt32BE(at + 12) };
      return [directory.toString('latin1', at, at + 4), place];
    }),
  );
}

function tableBytes(read: ReadRange, tables: Tables, tag: string): Buffer {
  const place = tables.get(tag);
  return place && place.length <= maxTableLength ? read(place.start, place.length) : Buffer.alloc(0);
}

/** Family, full, PostScript, and typographic family. */
const nameIds = new Set([1, 4, 6, 16]);

function readNames(table: Buffer): Set<string> {
  const names = new Set<string>();
  if (table.length < 6) return names;
  const count = table.readUInt16BE(2);
  const strings = table.readUInt16BE(4);
  for (let at = 6; at + 12 <= table.length && at < 6 + count * 12; at += 12) {
    if (!nameIds.has(table.readUInt16BE(at + 6))) continue;
    const from = strings + table.readUInt16BE(at + 10);
    const bytes = table.subarray(from, from + table.readUInt16BE(at + 8));
    const isUtf16 = table.readUInt16BE(at) !== 1; // 1 is the old Macintosh
    names.add(plainName(isUtf16 ? utf16be(bytes) : bytes.toString('latin1')));
  }
  return names;
}

function utf16be(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le');
}

type Has = (codePoint: number) => boolean;

/** Any of the Unicode subtables of format 12 or 4 may have it. */
function characterMap(table: Buffer): Has {
  const maps: Has[] = [];
  const count = table.length < 4 ? 0 : table.readUInt16BE(2);
  for (let at = 4; at + 8 <= table.length && at < 4 + count * 8; at += 8) {
    const platform = table.readUInt16BE(at);
    const encoding = table.readUInt16BE(at + 2);
    if (platform !== 0 && !(platform === 3 && (encoding === 1 || encoding === 10))) continue;
    const map = subtableMap(table.subarray(table.readUInt32BE(at + 4)));
    if (map) maps.push(map);
  }
  return (codePoint) => maps.some((has) => has(codePoint));
}

function subtableMap(subtable: Buffer): Has | undefined {
  if (subtable.length < 16) return undefined;
  const format = subtable.readUInt16BE(0);
  if (format === 12) return groups(subtable);
  return format === 4 ? segments(subtable) : undefined;
}

function groups(subtable: Buffer): Has {
  const count = Math.min(subtable.readUInt32BE(12), Math.floor((subtable.length - 16) / 12));
  return (codePoint) => {
    for (let at = 16; at < 16 + count * 12; at += 12) {
      if (codePoint <= subtable.readUInt32BE(at + 4)) return codePoint >= subtable.readUInt32BE(at);
    }
    return false;
  };
}

function segments(subtable: Buffer): Has {
  const length = subtable.readUInt16BE(6); // of each of four arrays, in bytes
  if (subtable.length < 16 + length * 4) return () => false;
  return (codePoint) => {
    for (let at = 0; at < length; at += 2) {
      if (codePoint > subtable.readUInt16BE(14 + at)) continue;
      const first = subtable.readUInt16BE(16 + length + at);
      if (codePoint < first) return false;
      const offsetAt = 16 + length * 3 + at;
      const offset = subtable.readUInt16BE(offsetAt);
      if (offset === 0) return ((codePoint + subtable.readUInt16BE(16 + length * 2 + at)) & 0xffff) !== 0;
      const glyphAt = offsetAt + offset + (codePoint - first) * 2;
      return glyphAt + 2 <= subtable.length && subtable.readUInt16BE(glyphAt) !== 0;
    }
    return false;
  };
}
