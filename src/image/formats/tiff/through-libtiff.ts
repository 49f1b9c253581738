import { damaged } from '../damaged.ts';
import { type Directory, type Tiff, tags } from './directories.ts';
import { type Layout, photometrics } from './layout.ts';
import { loadSharp } from '../vips.ts';

/** They come over telephone lines: a line that is wrong is no reason to show none. */
const faxes: readonly number[] = [2, 3, 4, 32_771];

export interface Plane {
  /** [height, width, samples] */
  bytes: Uint8Array;
  /** Lines may be wrong. */
  faulty: boolean;
}

/** What the codecs of faxes and JPEG need to know, and nothing that would make libtiff warn. */
const kept: readonly number[] = [
  tags.width,
  tags.height,
  tags.bitsPerSample,
  tags.compression,
  tags.fillOrder,
  tags.stripOffsets,
  tags.rowsPerStrip,
  tags.stripByteCounts,
  tags.t4Options,
  tags.t6Options,
  tags.tileWidth,
  tags.tileLength,
  tags.tileOffsets,
  tags.tileByteCounts,
  tags.jpegTables,
  512, // what else belongs to JPEG as it was before TIFF's second technical note
  tags.jpegStart,
  tags.jpegLength,
  515,
  517,
  518,
  519,
  520,
  521,
  tags.yCbCrSubsampling,
];

/**
 * Samples of one plane as libtiff unpacks them: of the same file with a directory behind it that holds only what the
 * codec needs, and calls the samples grey or red, green, blue, so that nothing is converted.
 * @param plane counts from 0; all samples are in the first unless the picture is planar
 */
export async function throughLibtiff(
  tiff: Tiff,
  { directory, layout, plane }: { directory: Directory; layout: Layout; plane: number },
): Promise<Plane> {
  const samples = layout.planar ? 1 : layout.samples;
  const bytes = withDirectory(tiff, entriesFor(tiff, { directory, layout, plane, samples }));
  const sharp = await loadSharp();
  const decode = async (failOn: 'warning' | 'none'): Promise<Uint8Array> => {
    const picture = sharp(bytes, { failOn, limitInputPixels: false });
    const space = samples <= 2 ? 'b-w' : 'srgb';
    const { data, info } = await picture
      .toColourspace(space)
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== samples || info.width !== layout.width || info.height !== layout.height) {
      throw new Error(`comes out as ${info.width}x${info.height} with ${info.channels} samples`);
    }
    return data;
  };
  try {
    return { bytes: await decode('warning'), faulty: false };
  } catch (thrown) {
    if (!faxes.includes(layout.compression)) throw thrown;
    if (layout.places.every(({ byteLength }) => byteLength === 0)) {
      throw damaged(tiff.name, 'TIFF', 'has no data for its pixels');
    }
    return { bytes: await decode('none').catch(() => Promise.reject(thrown)), faulty: true };
  }
}

interface Entry {
  id: number;
  type: number;
  count: number;
  /** As they stand in the directory: values, or their place. */
  value: Uint8Array;
}

function entriesFor(
  tiff: Tiff,
  { directory, layout, plane, samples }: { directory: Directory; layout: Layout; plane: number; samples: number },
): Entry[] {
  const entries: Entry[] = [];
  for (const id of kept) {
    const tag = directory.tags.get(id);
    if (!tag || (layout.planar && (id === tags.bitsPerSample || segmentTags.includes(id)))) continue;
    const value = tiff.bytes.subarray(tag.start, tag.start + tag.byteLength);
    entries.push(entry(tiff, tag, value.length <= inlineLength(tiff) ? value : placeBytes(tiff, tag.start)));
  }
  if (layout.planar) entries.push(...planeEntries(tiff, { directory, layout, plane }));
  const isYCbCr = layout.photometric === photometrics.yCbCr && samples === 3;
  const photometric = isYCbCr ? photometrics.yCbCr : samples >= 3 ? photometrics.rgb : photometrics.blackIsZero;
  entries.push(short(tiff, tags.photometric, photometric), short(tiff, tags.samplesPerPixel, samples));
  const extra = samples - (samples >= 3 ? 3 : 1);
  if (extra > 0 && extra <= inlineLength(tiff) / 2) {
    entries.push(shorts(tiff, tags.extraSamples, Array<number>(extra).fill(0)));
  }
  return entries.sort((one, other) => one.id - other.id);
}

const segmentTags: readonly number[] = [tags.stripOffsets, tags.stripByteCounts, tags.tileOffsets, tags.tileByteCounts];

/** Of a plane's own strips or tiles: the lists in the file go over all planes. */
function planeEntries(
  tiff: Tiff,
  { directory, layout, plane }: { directory: Directory; layout: Layout; plane: number },
): Entry[] {
  const perPlane = layout.places.length / layout.samples;
  const entries = [short(tiff, tags.bitsPerSample, layout.bits[plane]!)];
  for (const id of segmentTags) {
    const tag = directory.tags.get(id);
    if (!tag) continue;
    const length = tag.byteLength / tag.count;
    const start = tag.start + plane * perPlane * length;
    const byteLength = perPlane * length;
    const value =
      byteLength <= inlineLength(tiff) ? tiff.bytes.subarray(start, start + byteLength) : placeBytes(tiff, start);
    entries.push(entry(tiff, { ...tag, count: perPlane }, value));
  }
  return entries;
}

function entry(tiff: Tiff, { id, type, count }: { id: number; type: number; count: number }, value: Uint8Array): Entry {
  const padded = new Uint8Array(inlineLength(tiff));
  padded.set(value);
  return { id, type, count, value: padded };
}

function short(tiff: Tiff, id: number, value: number): Entry {
  return shorts(tiff, id, [value]);
}

function shorts(tiff: Tiff, id: number, values: readonly number[]): Entry {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint16(index * 2, value, tiff.little);
  return entry(tiff, { id, type: 3, count: values.length }, bytes);
}

function inlineLength({ big }: Tiff): number {
  return big ? 8 : 4;
}

function placeBytes(tiff: Tiff, at: number): Uint8Array {
  const bytes = new Uint8Array(inlineLength(tiff));
  const view = new DataView(bytes.buffer);
  if (tiff.big) view.setBigUint64(0, BigInt(at), tiff.little);
  else view.setUint32(0, at, tiff.little);
  return bytes;
}

/** A copy of the file whose first and only directory is behind it. */
function withDirectory(tiff: Tiff, entries: readonly Entry[]): Uint8Array {
  const { bytes, big, little } = tiff;
  const start = Math.ceil(bytes.length / 8) * 8;
  const entryLength = big ? 20 : 12;
  const countLength = big ? 8 : 2;
  const file = new Uint8Array(start + countLength + entries.length * entryLength + 8);
  file.set(bytes);
  const view = new DataView(file.buffer);
  file.set(placeBytes(tiff, start), big ? 8 : 4);
  if (big) view.setBigUint64(start, BigInt(entries.length), little);
  else view.setUint16(start, entries.length, little);
  for (const [index, { id, type, count, value }] of entries.entries()) {
    const at = start + countLength + index * entryLength;
    view.setUint16(at, id, little);
    view.setUint16(at + 2, type, little);
    if (big) view.setBigUint64(at + 4, BigInt(count), little);
    else view.setUint32(at + 4, count, little);
    file.set(value, at + (big ? 12 : 8));
  }
  return file;
}
