import type { DataSet, Element } from 'dicom-parser';
import { decodeJpeg2000 } from '../openjpeg.ts';
import { unpackBits } from '../tiff/packbits.ts';
import { viewOf } from '../opened.ts';
import type { DicomHeader } from './header.ts';

/** [height, width, samples], as they are stored. */
export type StoredSamples = Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** How a transfer syntax packs a frame. Those that are not here are not read. Source: DICOM PS3.5, 10 and A.4 */
export const packings: Readonly<Record<string, 'none' | 'jpeg' | 'jpeg2000' | 'runs'>> = {
  '1.2.840.10008.1.2': 'none',
  '1.2.840.10008.1.2.1': 'none',
  '1.2.840.10008.1.2.1.99': 'none',
  '1.2.840.10008.1.2.2': 'none',
  '1.2.840.10008.1.2.4.50': 'jpeg',
  '1.2.840.10008.1.2.4.51': 'jpeg', // of 8 bits, as the two that follow and are retired
  '1.2.840.10008.1.2.4.53': 'jpeg',
  '1.2.840.10008.1.2.4.55': 'jpeg',
  '1.2.840.10008.1.2.4.90': 'jpeg2000',
  '1.2.840.10008.1.2.4.91': 'jpeg2000',
  '1.2.840.10008.1.2.5': 'runs',
};

const bigEndian = '1.2.840.10008.1.2.2';

/** For messages. */
export const otherPackings: Readonly<Record<string, { is: string; unpack: 'dcmdjpeg' | 'dcmdjpls' | undefined }>> = {
  '1.2.840.10008.1.2.4.57': { is: 'lossless JPEG', unpack: 'dcmdjpeg' },
  '1.2.840.10008.1.2.4.70': { is: 'lossless JPEG', unpack: 'dcmdjpeg' },
  '1.2.840.10008.1.2.4.80': { is: 'JPEG-LS', unpack: 'dcmdjpls' },
  '1.2.840.10008.1.2.4.81': { is: 'JPEG-LS', unpack: 'dcmdjpls' },
  '1.2.840.10008.1.2.4.201': { is: 'high-throughput JPEG 2000', unpack: undefined },
  '1.2.840.10008.1.2.4.202': { is: 'high-throughput JPEG 2000', unpack: undefined },
  '1.2.840.10008.1.2.4.203': { is: 'high-throughput JPEG 2000', unpack: undefined },
};

/** @throws Error when there is less than the header says */
export async function storedSamples(frame: Uint8Array, header: DicomHeader): Promise<StoredSamples> {
  const packing = packings[header.transferSyntax];
  if (packing === 'jpeg2000') return fromJpeg2000(frame, header);
  const bytes = packing === 'runs' ? fromRuns(frame, header) : frame;
  return numbersOf(bytes, header, header.transferSyntax !== bigEndian);
}

/** One frame's bytes: a stretch of all, or a packed part of its own. */
export function frameBytes(
  { dataSet, pixels, read }: { dataSet: DataSet; pixels: Element; read: ReadEncapsulated },
  { header, index }: { header: DicomHeader; index: number },
): Uint8Array {
  if (pixels.encapsulatedPixelData) {
    const fragments = pixels.fragments ?? [];
    if (header.frames === 1 || fragments.length === header.frames) {
      const count = header.frames === 1 ? fragments.length : 1;
      return read.readEncapsulatedPixelDataFromFragments(dataSet, pixels, header.frames === 1 ? 0 : index, count);
    }
    return read.readEncapsulatedImageFrame(dataSet, pixels, index);
  }
  const length = frameLength(header);
  const start = pixels.dataOffset + index * length;
  if (start + length > dataSet.byteArray.length) throw new Error('there are fewer pixels than it says');
  const isSwapped = header.transferSyntax === bigEndian && pixels.vr === 'OW' && header.allocated <= 8;
  if (!isSwapped) return dataSet.byteArray.subarray(start, start + length);
  // Words of two bytes, the second of which comes first.
  const { dataOffset } = pixels;
  return Uint8Array.from({ length }, (_, at) => dataSet.byteArray[dataOffset + ((index * length + at) ^ 1)]!);
}

export interface ReadEncapsulated {
  readEncapsulatedImageFrame(dataSet: DataSet, element: Element, frame: number): Uint8Array;
  readEncapsulatedPixelDataFromFragments(dataSet: DataSet, element: Element, start: number, count: number): Uint8Array;
}

function frameLength({ width, height, samples, allocated }: DicomHeader): number {
  return Math.ceil((width * height * samples * allocated) / 8);
}

/** The bits that count, with their sign; in the order of pixels also where colours are in planes. */
function numbersOf(bytes: Uint8Array, header: DicomHeader, little: boolean): StoredSamples {
  const { width, height, samples, allocated, stored, signed, planar } = header;
  if (bytes.length < frameLength(header)) throw new Error('there are fewer pixels than it says');
  const count = width * height * samples;
  const view = viewOf(bytes);
  const read: Readonly<Record<number, (at: number) => number>> = {
    1: (at) => (bytes[at >> 3]! >> (at & 7)) & 1,
    8: (at) => bytes[at]!,
    16: (at) => view.getUint16(at * 2, little),
    32: (at) => view.getUint32(at * 4, little),
  };
  const values = new (allocated > 16 ? (signed ? Int32Array : Uint32Array) : signed ? Int16Array : Uint16Array)(count);
  const shift = 32 - stored;
  for (let at = 0; at < count; at++) {
    const place = planar && samples > 1 ? (at % samples) * width * height + Math.floor(at / samples) : at;
    const raised = read[allocated]!(place) << shift;
    values[at] = signed ? raised >> shift : raised >>> shift;
  }
  return values;
}

async function fromJpeg2000(frame: Uint8Array, { width, height, samples }: DicomHeader): Promise<StoredSamples> {
  const decoded = await decodeJpeg2000(frame);
  if (decoded.width !== width || decoded.height !== height || decoded.components !== samples) {
    throw new Error('its packed picture is of another size than it says');
  }
  return decoded.values;
}

/** Each byte of each sample is packed by itself, the highest first. Source: DICOM PS3.5, annex G */
function fromRuns(frame: Uint8Array, { width, height, samples, allocated, planar }: DicomHeader): Uint8Array {
  const view = viewOf(frame);
  const depth = allocated / 8;
  const segments = view.getUint32(0, true);
  if (segments !== depth * samples) throw new Error('its run lengths have another number of parts than it says');
  const pixels = width * height;
  const bytes = new Uint8Array(pixels * samples * depth);
  for (let segment = 0; segment < segments; segment++) {
    const start = view.getUint32(4 + segment * 4, true);
    const end = segment + 1 < segments ? view.getUint32(8 + segment * 4, true) : frame.length;
    const unpacked = unpackBits(frame.subarray(start, end), pixels);
    if (unpacked.length < pixels) throw new Error('its run lengths break off');
    const sample = Math.floor(segment / depth);
    const byte = depth - 1 - (segment % depth);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const place = planar ? sample * pixels + pixel : pixel * samples + sample;
      bytes[place * depth + byte] = unpacked[pixel]!;
    }
  }
  return bytes;
}
