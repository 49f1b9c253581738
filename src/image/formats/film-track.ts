import { type Box, BoxReader, boxAt, boxesIn } from './boxes.ts';
import { type Size, ascii, viewOf } from './opened.ts';

/** A track of pictures in a HEIC or AVIF, or of how opaque they are. */
export interface FilmTrack extends Size {
  isMask: boolean;
  /** Its colours are multiplied by how opaque they are. */
  isPremultiplied: boolean;
  /** Where each frame's part of the stream lies in the file. */
  samples: readonly { start: number; end: number }[];
  /** Frames that need no other, 0-based; undefined: all. */
  keyframes: readonly number[] | undefined;
  /** Of the decoder's configuration, the colours and so on: what describes the stream. */
  properties: readonly Box[];
}

/** More than any film that is looked at frame by frame; a small file may claim billions. */
const maxSamples = 100_000;

/**
 * The tracks of pictures, the film itself first; none where the tables make no sense.
 * Source: ISO/IEC 14496-12, 8.2 to 8.7; 23008-12, 7.
 */
export function readFilmTracks(bytes: Uint8Array): FilmTrack[] {
  const film = boxAt(bytes, { start: 0, end: bytes.byteLength }, 'moov');
  if (!film || film.end > bytes.byteLength) return [];
  try {
    const tracks = boxesIn(bytes, film.start, film.end).filter(({ type }) => type === 'trak');
    return tracks
      .flatMap((track) => readTrack(bytes, track) ?? [])
      .sort((one, other) => Number(one.isMask) - Number(other.isMask));
  } catch (thrown) {
    if (thrown instanceof RangeError) return [];
    throw thrown;
  }
}

function readTrack(bytes: Uint8Array, track: Box): FilmTrack | undefined {
  const handler = boxAt(bytes, track, 'mdia', 'hdlr');
  const kind = handler && ascii(bytes, handler.start + 8, 4);
  const tables = boxAt(bytes, track, 'mdia', 'minf', 'stbl');
  const descriptions = tables && boxAt(bytes, tables, 'stsd');
  const [entry] = descriptions ? boxesIn(bytes, descriptions.start + 8, descriptions.end) : [];
  if (!tables || !entry || (kind !== 'pict' && kind !== 'auxv' && kind !== 'vide')) return undefined;
  const view = viewOf(bytes);
  return {
    isMask: kind === 'auxv',
    isPremultiplied: boxAt(bytes, track, 'tref', 'prem') !== undefined,
    width: view.getUint16(entry.start + 24),
    height: view.getUint16(entry.start + 26),
    samples: readSamples(bytes, tables),
    keyframes: readKeyframes(bytes, tables),
    properties: boxesIn(bytes, entry.start + 78, entry.end),
  };
}

/** Chunks of samples that follow one another. */
function readSamples(bytes: Uint8Array, tables: Box): { start: number; end: number }[] {
  const sizes = readSizes(bytes, tables);
  const chunks = readChunks(bytes, tables);
  const perChunk = readPerChunk(bytes, tables);
  const samples: { start: number; end: number }[] = [];
  for (const [index, chunk] of chunks.entries()) {
    const run = perChunk.findLast(({ firstChunk }) => firstChunk <= index);
    let start = chunk;
    for (let left = run?.count ?? 0; left > 0 && samples.length < sizes.length; left--) {
      const end = start + sizes[samples.length]!;
      samples.push({ start, end });
      start = end;
    }
  }
  return samples;
}

function readSizes(bytes: Uint8Array, tables: Box): number[] {
  const box = boxAt(bytes, tables, 'stsz');
  if (!box) return [];
  const reader = new BoxReader(bytes, box);
  reader.versionAndFlags();
  const common = reader.number(4);
  return counted(reader, () => common || reader.number(4));
}

function readChunks(bytes: Uint8Array, tables: Box): number[] {
  const box = boxAt(bytes, tables, 'stco') ?? boxAt(bytes, tables, 'co64');
  if (!box) return [];
  const reader = new BoxReader(bytes, box);
  reader.versionAndFlags();
  return counted(reader, () => reader.number(box.type === 'stco' ? 4 : 8));
}

function readPerChunk(bytes: Uint8Array, tables: Box): { firstChunk: number; count: number }[] {
  const box = boxAt(bytes, tables, 'stsc');
  if (!box) return [];
  const reader = new BoxReader(bytes, box);
  reader.versionAndFlags();
  return counted(reader, () => {
    const run = { firstChunk: reader.number(4) - 1, count: reader.number(4) };
    reader.number(4); // which description
    return run;
  });
}

function readKeyframes(bytes: Uint8Array, tables: Box): number[] | undefined {
  const box = boxAt(bytes, tables, 'stss');
  if (!box) return undefined;
  const reader = new BoxReader(bytes, box);
  reader.versionAndFlags();
  return counted(reader, () => reader.number(4) - 1);
}

function counted<Entry>(reader: BoxReader, read: () => Entry): Entry[] {
  const count = reader.number(4);
  if (count > maxSamples) throw new RangeError('too many');
  return Array.from({ length: count }, read);
}
