import { type Directory, type Tiff, number, numbers, tags } from './directories.ts';
import { damaged, notRead } from '../damaged.ts';
import { cutShort } from '../opened.ts';
import { checkSize } from '../../decoder/limits.ts';

export type SampleFormat = 'unsigned' | 'signed' | 'float';

/** How one picture's samples are stored. */
export interface Layout {
  width: number;
  height: number;
  /** Samples of a pixel. */
  samples: number;
  /** Of each sample. */
  bits: readonly number[];
  format: SampleFormat;
  photometric: number;
  compression: number;
  predictor: number;
  /** Every sample of a pixel in a plane of its own. */
  planar: boolean;
  /** The first pixel is in the lowest bit of a byte. */
  lowestBitFirst: boolean;
  /** Of colour differences: pixels across and down that share one; 1 and 1 where there are none. */
  subsampling: { across: number; down: number };
  /** What the samples behind the colours are: 1 transparency that colours are multiplied by, 2 one that they are not. */
  extra: readonly number[];
  /** A strip or tile, in pixels. */
  segment: { width: number; height: number; tiled: boolean };
  /** Where the strips or tiles are, plane after plane. */
  places: readonly { start: number; byteLength: number }[];
}

/** Numbers of colour models. Source: TIFF 6.0, section 8 to 23; TIFF/EP; DNG 1.6. */
export const photometrics = {
  whiteIsZero: 0,
  blackIsZero: 1,
  rgb: 2,
  palette: 3,
  mask: 4,
  separated: 5,
  yCbCr: 6,
  cieLab: 8,
  iccLab: 9,
  ituLab: 10,
  sensor: 32_803,
  logL: 32_844,
  logLuv: 32_845,
  linearRaw: 34_892,
} as const;

/** JPEG 2000 in Aperio's slides, whose colours are YCbCr whatever else the file says. Source: OpenSlide. */
const aperioYCbCr = 33_003;
/** Fewer colours than pixels are its own matter. */
const jpeg2000: readonly number[] = [aperioYCbCr, 33_004, 33_005, 34_712];

/** What is unpacked at once: a strip that claims more is made to do harm. */
const maxSegmentBytes = 2 ** 30;

/** @throws PixtralError `input` for what is missing, contradicts itself, claims too much or lies outside of the file */
export function readLayout(tiff: Tiff, directory: Directory): Layout {
  const { name } = tiff;
  const read = (id: number, missing: number): number => number(tiff, directory, id) ?? missing;
  const width = read(tags.width, 0);
  const height = read(tags.height, 0);
  const samples = read(tags.samplesPerPixel, 1);
  if (!(width > 0 && height > 0 && samples > 0)) {
    throw damaged(name, 'TIFF', `has a picture of ${width}x${height} with ${samples} samples a pixel`);
  }
  checkSize({ width, height }, name);
  const format = sampleFormat(tiff, directory);
  const bits = sampleBits(tiff, directory, samples);
  const compression = read(tags.compression, 1);
  const photometric =
    compression === aperioYCbCr && samples === 3
      ? photometrics.yCbCr
      : read(tags.photometric, assumedPhotometric(compression, samples));
  const [across = 2, down = 2] = jpeg2000.includes(compression)
    ? [1, 1]
    : numbers(tiff, directory, tags.yCbCrSubsampling);
  const layout = {
    width,
    height,
    samples,
    bits,
    format,
    photometric,
    compression,
    predictor: read(tags.predictor, 1),
    planar: samples > 1 && read(tags.planarConfiguration, 1) === 2,
    lowestBitFirst: read(tags.fillOrder, 1) === 2,
    subsampling: photometric === photometrics.yCbCr ? { across, down } : { across: 1, down: 1 },
    extra: numbers(tiff, directory, tags.extraSamples),
    segment: segmentSize(tiff, directory, { width, height }),
  };
  if (![1, 2, 4].includes(layout.subsampling.across) || ![1, 2, 4].includes(layout.subsampling.down)) {
    throw damaged(name, 'TIFF', `has colour differences for each ${across}x${down} pixels`);
  }
  if (layout.format === 'float' && bits.some((each) => ![16, 24, 32, 64].includes(each))) {
    throw notRead(name, 'TIFF', `has floating-point samples of ${bits.join(', ')} bits`, 'save it anew with 32');
  }
  if (layout.segment.width * layout.segment.height * Math.max(1, totalBits(layout) / 8) > maxSegmentBytes) {
    throw notRead(name, 'TIFF', 'has strips or tiles of more than 1 GiB', 'save it anew with smaller ones');
  }
  return { ...layout, places: placesOf(tiff, directory, layout) };
}

/** Bits of a pixel in one plane. */
export function totalBits({ bits, planar }: Pick<Layout, 'bits' | 'planar'>): number {
  return planar ? bits[0]! : bits.reduce((sum, each) => sum + each, 0);
}

/** Strips or tiles across and down, of one plane. */
export function segmentsOf({ width, height, segment }: Pick<Layout, 'width' | 'height' | 'segment'>): {
  across: number;
  down: number;
} {
  return { across: Math.ceil(width / segment.width), down: Math.ceil(height / segment.height) };
}

/** Some writers give the bits of the first sample only. */
function sampleBits({ name, ...tiff }: Tiff, directory: Directory, samples: number): number[] {
  const stored = numbers({ name, ...tiff }, directory, tags.bitsPerSample);
  const bits = Array.from({ length: samples }, (_, index) => stored[index] ?? stored[0] ?? 1);
  const odd = bits.find((each) => !(each >= 1 && each <= 64));
  if (odd !== undefined) throw damaged(name, 'TIFF', `has samples of ${odd} bits`);
  return bits;
}

/** As libtiff takes a file that does not say what its samples mean. */
function assumedPhotometric(compression: number, samples: number): number {
  if (compression >= 2 && compression <= 4) return photometrics.whiteIsZero;
  return samples >= 3 ? photometrics.rgb : photometrics.blackIsZero;
}

function sampleFormat(tiff: Tiff, directory: Directory): SampleFormat {
  const formats: readonly (SampleFormat | undefined)[] = ['unsigned', 'unsigned', 'signed', 'float', 'unsigned'];
  const [first = 1] = numbers(tiff, directory, tags.sampleFormat);
  const format = formats[first];
  if (format) return format;
  throw notRead(tiff.name, 'TIFF', 'has complex numbers for samples', 'save what is to be seen of them as grey');
}

function segmentSize(
  tiff: Tiff,
  directory: Directory,
  { width, height }: { width: number; height: number },
): Layout['segment'] {
  const tileWidth = number(tiff, directory, tags.tileWidth);
  const tileLength = number(tiff, directory, tags.tileLength);
  if (tileWidth && tileLength) return { width: tileWidth, height: tileLength, tiled: true };
  const rows = number(tiff, directory, tags.rowsPerStrip) ?? height;
  return { width, height: Math.max(1, Math.min(rows, height)), tiled: false };
}

function placesOf(tiff: Tiff, directory: Directory, layout: Omit<Layout, 'places'>): Layout['places'] {
  const { tiled } = layout.segment;
  const stripes = tiled && directory.tags.has(tags.tileOffsets);
  const starts = numbers(tiff, directory, stripes ? tags.tileOffsets : tags.stripOffsets);
  const lengths = numbers(tiff, directory, stripes ? tags.tileByteCounts : tags.stripByteCounts);
  const { across, down } = segmentsOf(layout);
  const expected = across * down * (layout.planar ? layout.samples : 1);
  if (starts.length < expected) {
    throw damaged(tiff.name, 'TIFF', `says where ${starts.length} of its ${expected} strips or tiles are`);
  }
  const size = tiff.bytes.byteLength;
  return starts.slice(0, expected).map((start, index) => {
    const byteLength = lengths[index] ?? Math.max(0, size - start);
    // What is not compressed may be shorter than its writer says: the samples themselves are looked for later.
    const end = layout.compression === 1 ? Math.min(start + byteLength, size) : start + byteLength;
    if (start > size || end > size) throw damaged(tiff.name, 'TIFF', cutShort);
    return { start, byteLength: end - start };
  });
}
