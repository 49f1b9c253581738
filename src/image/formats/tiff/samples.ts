import { type Codec, codecs, otherCompressions, partsOfJpeg } from './codecs.ts';
import { type Directory, type Tiff, numbers, tags, valueBytes } from './directories.ts';
import { type Layout, photometrics, segmentsOf, totalBits } from './layout.ts';
import { PixtralError } from '../../../base/errors.ts';
import { damaged, notRead } from '../damaged.ts';
import { throughLibtiff } from './through-libtiff.ts';
import { type Stored, type Values, createValues, storedSamples } from './stored.ts';

/** Samples of a picture that are wanted, as they are stored. */
export interface Samples {
  /** [height, width, kept samples] */
  values: Values;
  /** The codec has made red, green and blue of YCbCr. */
  converted: boolean;
  /** Lines may be wrong. */
  faulty: boolean;
}

/** What one strip or tile is unpacked into, and with. */
interface Task {
  directory: Directory;
  layout: Layout;
  codec: Codec;
  /** Numbers of the samples that are wanted, of those of a pixel in this plane. */
  kept: readonly number[];
  /** Undefined when all samples are in one. */
  plane: number | undefined;
  values: Values;
  /** Samples of a pixel in `values`, and which of them this plane's first becomes. */
  stride: number;
  first: number;
}

/** @param kept numbers of the samples of a pixel that are wanted: others are not held */
export async function readSamples(
  tiff: Tiff,
  { directory, layout, kept }: { directory: Directory; layout: Layout; kept: readonly number[] },
): Promise<Samples> {
  const codec = codecOf(tiff, layout);
  const { width, height, bits, format } = layout;
  const widest = Math.max(...kept.map((sample) => bits[sample]!));
  const values = createValues({ bits: widest, format }, width * height * kept.length);
  let faulty = false;
  try {
    for (const [first, plane] of (layout.planar ? kept : [undefined]).entries()) {
      const task = { directory, layout, codec, plane, values, stride: kept.length, first };
      const ofPlane = { ...task, kept: plane === undefined ? kept : [0] };
      if (codec.unpack) await readSegments(tiff, ofPlane);
      else faulty = (await readWhole(tiff, ofPlane)) || faulty;
    }
  } catch (thrown) {
    throw thrown instanceof PixtralError ? thrown : damaged(tiff.name, 'TIFF', thrown);
  }
  const converts = codec.unpack === undefined || ['WebP', 'JPEG XL'].includes(codec.name);
  return { values, converted: layout.photometric === photometrics.yCbCr && converts, faulty };
}

function codecOf({ name }: Tiff, { compression, bits, predictor, samples, planar }: Layout): Codec {
  const isUnusualJpeg = compression === 7 && !planar && (samples === 2 || samples === 4);
  const codec = isUnusualJpeg ? partsOfJpeg : codecs.get(compression);
  const hint = 'save it anew without compression, or with LZW or Deflate, or as PNG';
  if (!codec) {
    const other = otherCompressions.get(compression);
    const what = other ? `compressed with ${other}` : `compressed in a way that has the number ${compression}`;
    throw notRead(name, 'TIFF', `is ${what}`, hint);
  }
  if (compression === 33_004 && samples > 1) {
    throw notRead(name, 'TIFF', 'is compressed with JPEG 2000 in colours of which it does not say what they are', hint);
  }
  const widest = Math.max(...bits);
  const eightOnly = ['JPEG', 'old JPEG', 'JPEG XL', 'WebP'].includes(codec.name);
  if (eightOnly && widest !== 8) {
    throw notRead(name, 'TIFF', `is compressed with ${codec.name} of ${widest} bits`, hint);
  }
  if (![1, 2, 3].includes(predictor)) throw notRead(name, 'TIFF', `has predictor ${predictor}`, hint);
  return codec;
}

/** By libtiff, which gives samples of fewer than eight bits stretched to eight. @returns whether lines may be wrong */
async function readWhole(tiff: Tiff, task: Task): Promise<boolean> {
  const { directory, layout, plane, kept, values, stride, first } = task;
  const { bytes, faulty } = await throughLibtiff(tiff, { directory, layout, plane: plane ?? 0 });
  const inPlane = plane === undefined ? layout.samples : 1;
  const shift = 8 - layout.bits[0]!;
  for (let pixel = 0; pixel < layout.width * layout.height; pixel++) {
    for (let index = 0; index < kept.length; index++) {
      values[pixel * stride + first + index] = bytes[pixel * inPlane + kept[index]!]! >> shift;
    }
  }
  return faulty;
}

async function readSegments(tiff: Tiff, task: Task): Promise<void> {
  const { layout, plane } = task;
  const { across, down } = segmentsOf(layout);
  const perPlane = across * down;
  for (let index = 0; index < perPlane; index++) {
    const place = layout.places[(plane ?? 0) * perPlane + index]!;
    if (place.byteLength === 0) continue; // programs of maps leave out what is empty
    const x = (index % across) * layout.segment.width;
    const y = Math.floor(index / across) * layout.segment.height;
    await readSegment(tiff, { ...task, ...place, x, y });
  }
}

async function readSegment(
  tiff: Tiff,
  { x, y, ...task }: Task & { x: number; y: number; start: number; byteLength: number },
): Promise<void> {
  const { layout, plane, values, stride, first } = task;
  const shared = layout.subsampling;
  const halved = plane === undefined || plane === 0 ? { across: 1, down: 1 } : shared;
  const height = layout.segment.tiled ? layout.segment.height : Math.min(layout.segment.height, layout.height - y);
  const part = {
    width: Math.ceil(layout.segment.width / halved.across),
    height: Math.ceil(height / halved.down),
  };
  const bytes = await unpacked(tiff, { ...task, part });
  const inUnits = plane === undefined && shared.across * shared.down > 1;
  const { samples, get } = inUnits ? fromUnits(bytes, { layout, part }) : stored(tiff, { ...task, bytes, part });
  const columns = Math.min(layout.segment.width, layout.width - x);
  const rows = Math.min(height, layout.height - y);
  if (columns === layout.width && part.width === columns && samples === stride && task.kept.length === stride) {
    values.set(get.subarray(0, rows * columns * stride), y * columns * stride); // whole lines, as they are
    return;
  }
  for (let row = 0; row < rows; row++) {
    let to = ((y + row) * layout.width + x) * stride + first;
    const from = Math.floor(row / halved.down) * part.width;
    for (let column = 0; column < columns; column++, to += stride) {
      const pixel = (from + Math.floor(column / halved.across)) * samples;
      for (let index = 0; index < task.kept.length; index++) values[to + index] = get[pixel + task.kept[index]!]!;
    }
  }
}

/** Bytes of a strip or tile, with the order of bits undone. */
async function unpacked(
  tiff: Tiff,
  {
    directory,
    layout,
    codec,
    plane,
    start,
    byteLength,
    part,
  }: Task & { start: number; byteLength: number; part: { width: number; height: number } },
): Promise<Uint8Array> {
  const needed = partLength(layout, { plane, part });
  const [, lercPacking = 0] = codec.name === 'LERC' ? numbers(tiff, directory, tags.lercParameters) : [];
  // Nothing tells how long what is not compressed is but the picture itself.
  const end = layout.compression === 1 ? Math.max(start + byteLength, start + needed) : start + byteLength;
  const bytes = tiff.bytes.subarray(start, end);
  const result = await codec.unpack!({
    bytes: layout.lowestBitFirst && !codec.whole ? bytes.map((byte) => mirrored[byte]!) : bytes,
    length: Math.max(needed, partLength(layout, { plane, part: { ...part, height: layout.segment.height } })),
    width: part.width,
    height: part.height,
    samples: plane === undefined ? layout.samples : 1,
    bits: layout.bits[plane ?? 0]!,
    lercPacking,
    jpegTables: valueBytes(tiff, directory, tags.jpegTables) ?? new Uint8Array(0),
  });
  if (result.length < needed) {
    throw damaged(tiff.name, 'TIFF', `breaks off: ${result.length} of ${needed} bytes of a strip or tile are there`);
  }
  return result;
}

function partLength(
  layout: Layout,
  { plane, part: { width, height } }: { plane: number | undefined; part: { width: number; height: number } },
): number {
  const { across, down } = layout.subsampling;
  if (plane === undefined && across * down > 1) {
    return Math.ceil(width / across) * Math.ceil(height / down) * (across * down + 2);
  }
  return Math.ceil((width * totalBits(layout)) / 8) * height;
}

/** A byte with its bits in the other order. */
const mirrored = Uint8Array.from({ length: 256 }, (_, byte) =>
  Array.from({ length: 8 }, (_, bit) => ((byte >> bit) & 1) << (7 - bit)).reduce((sum, each) => sum + each, 0),
);

function stored(
  tiff: Tiff,
  { bytes, codec, layout, plane, part }: Task & { bytes: Uint8Array; part: { width: number; height: number } },
): Stored {
  const bits = plane === undefined ? layout.bits : [layout.bits[plane]!];
  const little = codec.whole === true || tiff.little;
  const predictor = codec.whole ? 1 : layout.predictor;
  const samples = storedSamples(bytes, { ...part, bits, format: layout.format, little, predictor });
  if (samples) return samples;
  const hint = 'save it anew with samples of 8 or 16 bits, without a predictor';
  throw notRead(tiff.name, 'TIFF', `has samples of ${bits.join(', ')} bits with predictor ${predictor}`, hint);
}

/** Brightness of some pixels and then the colour that they share, as one sample of three for each pixel. */
function fromUnits(
  bytes: Uint8Array,
  { layout, part: { width, height } }: { layout: Layout; part: { width: number; height: number } },
): Stored {
  const { across, down } = layout.subsampling;
  const inUnit = across * down + 2;
  const units = Math.ceil(width / across);
  const get = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const unit = (Math.floor(y / down) * units + Math.floor(x / across)) * inUnit;
      const at = (y * width + x) * 3;
      get[at] = bytes[unit + (y % down) * across + (x % across)]!;
      get[at + 1] = bytes[unit + inUnit - 2]!;
      get[at + 2] = bytes[unit + inUnit - 1]!;
    }
  }
  return { samples: 3, get };
}
