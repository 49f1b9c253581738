import { createRequire } from 'node:module';
import type * as Xz from 'xz-decompress';
import { inflateRawSync, inflateSync, constants as zlib } from 'node:zlib';
import { viewBytes } from '../../../base/view-bytes.ts';
import { decodeWithSkia } from '../skia.ts';
import { decodeJpeg2000 } from '../openjpeg.ts';
import { unpackLzw } from './lzw.ts';
import { checkSize } from '../../decoder/limits.ts';
import { jpeg2000Component } from '../pdf/jpeg2000-components.ts';
import { viewOf } from '../opened.ts';
import { undoDelta, withoutDelta } from './xz-delta.ts';
import { unpackBits } from './packbits.ts';
import { unpackJpegPart } from './jpeg-part.ts';
import { loadSharp } from '../vips.ts';
import { createCanvas } from '@napi-rs/canvas';

/** A strip or tile to be unpacked. */
export interface Packed {
  bytes: Uint8Array;
  /** What comes out of it, at most. */
  length: number;
  width: number;
  /** Lines that are there at least. */
  height: number;
  /** Samples of a pixel in this plane, and bits of each. */
  samples: number;
  bits: number;
  /** LERC's own: what was done to it afterwards. */
  lercPacking: number;
  /** JPEG's own: what all parts share. */
  jpegTables: Uint8Array;
}

export interface Codec {
  name: string;
  /** undefined: by libtiff's, of a file in which there is nothing else. */
  unpack: ((packed: Packed) => Uint8Array | Promise<Uint8Array>) | undefined;
  /** Samples come out with the lowest byte first, and as they are: there is no predictor and no order of bits. */
  whole?: true;
}

/** By the number in the file. Those that are not here are not read. Sources: TIFF 6.0; the registry of tags in libtiff. */
export const codecs: ReadonlyMap<number, Codec> = new Map<number, Codec>([
  [1, { name: 'none', unpack: ({ bytes, length }) => bytes.subarray(0, length) }],
  [2, { name: 'CCITT run lengths', unpack: undefined }],
  [3, { name: 'fax group 3', unpack: undefined }],
  [4, { name: 'fax group 4', unpack: undefined }],
  [5, { name: 'LZW', unpack: ({ bytes, length }) => unpackLzw(bytes, length) }],
  [6, { name: 'old JPEG', unpack: undefined }],
  [7, { name: 'JPEG', unpack: undefined }],
  [8, { name: 'Deflate', unpack: inflate }],
  [32_766, { name: 'NeXT', unpack: undefined }],
  [32_771, { name: 'CCITT run lengths', unpack: undefined }],
  [32_773, { name: 'PackBits', unpack: ({ bytes, length }) => unpackBits(bytes, length) }],
  [32_809, { name: 'ThunderScan', unpack: undefined }],
  [32_946, { name: 'Deflate', unpack: inflate }],
  [33_003, { name: 'JPEG 2000', unpack: unpackJpeg2000, whole: true }],
  [33_004, { name: 'JPEG 2000', unpack: unpackJpeg2000, whole: true }],
  [33_005, { name: 'JPEG 2000', unpack: unpackJpeg2000, whole: true }],
  [34_712, { name: 'JPEG 2000', unpack: unpackJpeg2000, whole: true }],
  [34_887, { name: 'LERC', unpack: unpackLerc, whole: true }],
  [34_925, { name: 'LZMA', unpack: unpackXz }],
  [50_000, { name: 'Zstandard', unpack: unpackZstandard }],
  [50_001, { name: 'WebP', unpack: unpackWebp, whole: true }],
  [50_002, { name: 'JPEG XL', unpack: unpackJpegXl, whole: true }],
  [52_546, { name: 'JPEG XL', unpack: unpackJpegXl, whole: true }],
]);

/** Of two and of four samples: in tiles, libtiff's caller takes one and three only; in strips it gives no transparency. */
export const partsOfJpeg: Codec = { name: 'JPEG', unpack: unpackJpegPart, whole: true };

/** Names of those that no package here can unpack, for messages. */
export const otherCompressions: ReadonlyMap<number, string> = new Map([
  [9, 'JBIG'],
  [10, 'JBIG'],
  [22_610, 'JPEG XR'],
  [32_908, 'PixarFilm'],
  [32_909, 'PixarLog'],
  [32_947, 'Kodak DCS'],
  [34_661, 'JBIG'],
  [34_676, 'SGILog'],
  [34_677, 'SGILog'],
  [34_892, 'lossy JPEG of camera raw'],
  [34_933, 'PNG'],
  [34_934, 'JPEG XR'],
  [65_000, 'Kodak DCR'],
]);

/** Some writers pad the last strip: more than is asked for is no fault. */
const slack = 2 ** 16;

function inflate({ bytes, length }: Packed): Uint8Array {
  const options = { maxOutputLength: length + slack, finishFlush: zlib.Z_SYNC_FLUSH };
  const bare = (bytes[0]! & 15) !== 8 || ((bytes[0]! << 8) | bytes[1]!) % 31 !== 0; // without zlib's two bytes
  return bare ? inflateRawSync(bytes, options) : inflateSync(bytes, options);
}

async function unpackZstandard({ bytes, length }: Packed): Promise<Uint8Array> {
  const { Decompress } = await import('fzstd');
  const parts: Uint8Array[] = [];
  let total = 0;
  const stream = new Decompress((part) => {
    total += part.length;
    if (total > length + slack) throw new Error('more comes out of a strip than the picture has');
    parts.push(part.slice());
  });
  stream.push(bytes, true);
  return Buffer.concat(parts);
}

async function unpackXz({ bytes, length }: Packed): Promise<Uint8Array> {
  // CommonJS whose names Node does not see in an import.
  const { XzReadableStream } = createRequire(import.meta.url)('xz-decompress') as typeof Xz;
  const parts: Uint8Array[] = [];
  let total = 0;
  const { stream, distance } = withoutDelta(bytes);
  for await (const part of new XzReadableStream(new Blob([new Uint8Array(stream)]).stream())) {
    total += part.length;
    if (total > length + slack) throw new Error('more comes out of a strip than the picture has');
    parts.push(part);
  }
  return undoDelta(Buffer.concat(parts), distance);
}

/**
 * Bands of their own become samples of a pixel; what its mask leaves out is no number, or 0. Transparency that is whole
 * or none is the mask of the colours, as libtiff writes it.
 */
async function unpackLerc(packed: Packed): Promise<Uint8Array> {
  const inner = new Uint8Array(await unpackedLerc(packed));
  const { load, decode, getBlobInfo } = await import('lerc');
  await load();
  const { width, height, bandCount, depthCount } = getBlobInfo(inner);
  const stored = bandCount * depthCount;
  const hasOpacityMask = stored === packed.samples - 1;
  const samples = hasOpacityMask ? packed.samples : stored;
  if (width * height * samples * (packed.bits / 8) > packed.length || width !== packed.width) {
    throw new Error(`a part of it is ${width}x${height} with ${samples} samples`);
  }
  const { pixels, mask, bandMasks } = decode(inner, { returnInterleaved: true });
  const [first] = pixels;
  if (first!.BYTES_PER_ELEMENT * 8 !== packed.bits) throw new Error('its samples are of another type than it says');
  const Type = first!.constructor as new (length: number) => Float64Array;
  const values = new Type(width * height * samples);
  const missing = first instanceof Float32Array || first instanceof Float64Array ? Number.NaN : 0;
  for (const [band, plane] of pixels.entries()) {
    const shown = bandMasks?.[band] ?? mask;
    for (let at = 0; at < plane.length; at++) {
      const pixel = Math.floor(at / depthCount);
      values[pixel * samples + band * depthCount + (at % depthCount)] = !shown || shown[pixel] ? plane[at]! : missing;
    }
  }
  if (hasOpacityMask) {
    const opaque = missing === 0 ? 2 ** packed.bits - 1 : 1;
    for (let at = 0; at < width * height; at++) values[at * samples + stored] = !mask || mask[at] ? opaque : 0;
  }
  return new Uint8Array(values.buffer);
}

async function unpackedLerc(packed: Packed): Promise<Uint8Array> {
  if (packed.lercPacking === 1) return inflate(packed);
  return packed.lercPacking === 2 ? unpackZstandard(packed) : packed.bytes;
}

async function unpackJpeg2000({ bytes, width, height, samples, bits }: Packed): Promise<Uint8Array> {
  if (!hasEvenComponents(bytes)) throw new Error('a part of it has colours of fewer pixels than its brightness');
  const { components, ...picture } =
    samples === 1 || samples === 3 ? await decodeJpeg2000(bytes) : await moreComponents(bytes, { samples, bits });
  if (picture.width !== width || picture.height < height || components < samples) {
    throw new Error(`a part of it is ${picture.width}x${picture.height} with ${components} samples`);
  }
  if (components === samples && picture.values.BYTES_PER_ELEMENT * 8 === bits) return viewBytes(picture.values);
  const Type = bits > 8 ? Uint16Array : Uint8Array;
  const values = new Type(width * picture.height * samples);
  for (let at = 0; at < values.length; at++) {
    values[at] = picture.values[Math.floor(at / samples) * components + (at % samples)]!;
  }
  return viewBytes(values);
}

/** Of the stream without boxes. Source: ISO/IEC 15444-1, annex A.5.1 */
function hasEvenComponents(bytes: Uint8Array): boolean {
  const count = bytes.length < 42 ? 0 : viewOf(bytes).getUint16(40);
  const steps = bytes.subarray(42, 42 + count * 3).filter((_, at) => at % 3 > 0);
  return bytes[0] !== 0xff || steps.every((step) => step === 1);
}

/** With transparency, or inks: the usual decoder gives no such picture. */
async function moreComponents(
  bytes: Uint8Array,
  { samples, bits }: Pick<Packed, 'samples' | 'bits'>,
): Promise<{ width: number; height: number; components: number; values: Uint8Array }> {
  if (bits !== 8 || bytes.length < 50) throw new Error(`${samples} samples of ${bits} bits are not unpacked here`);
  const view = viewOf(bytes); // a stream without boxes, by ISO/IEC 15444-1, annex A.5.1
  const size = { width: view.getUint32(8) - view.getUint32(16), height: view.getUint32(12) - view.getUint32(20) };
  checkSize(size, 'a part of it');
  const values = new Uint8Array(size.width * size.height * samples);
  for (let index = 0; index < samples; index++) {
    const component = await jpeg2000Component(bytes, { index, count: samples, size });
    for (let at = 0; at < component.length; at++) values[at * samples + index] = component[at]!;
  }
  return { ...size, components: samples, values };
}

async function unpackWebp({ bytes, width, height, samples }: Packed): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const picture = sharp(bytes, { failOn: 'warning' });
  const header = await picture.metadata();
  if (header.format !== 'webp' || header.width !== width || header.height < height || samples < 3) {
    throw new Error(`a part of it is ${header.width}x${header.height}`);
  }
  const { data } = await (samples === 4 ? picture.ensureAlpha() : picture.removeAlpha())
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return data;
}

/** The decoder gives eight bits of red, green, blue and transparency. */
async function unpackJpegXl({ bytes, width, height, samples }: Packed): Promise<Uint8Array> {
  const image = await decodeWithSkia(bytes);
  if (image.width !== width || image.height < height) {
    throw new Error(`a part of it is ${image.width}x${image.height}`);
  }
  const canvas = createCanvas(width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, image.height);
  const values = new Uint8Array(width * image.height * samples);
  for (let at = 0; at < values.length; at++) values[at] = data[Math.floor(at / samples) * 4 + (at % samples)]!;
  return values;
}
