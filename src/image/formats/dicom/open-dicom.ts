import { inflateRawSync } from 'node:zlib';
import type { DataSet } from 'dicom-parser';
import { damaged, notRead } from '../damaged.ts';
import { decodeWithSkia, upright } from '../skia.ts';
import type { OpenRequest, Opened } from '../opened.ts';
import { checkSize } from '../../decoder/limits.ts';
import type { Pixels } from '../../pixels/patches.ts';
import { stretched } from '../../pixels/stretched.ts';
import { rgbaPixels } from '../raw-pixels.ts';
import { greyToRgb, rgbToRgb } from '../rgb-bytes.ts';
import { type DicomHeader, readDicomHeader } from './header.ts';
import { frameBytes, otherPackings, packings, storedSamples } from './samples.ts';
import { windowed } from './window.ts';

const hint = 'convert it first, for example with: dcm2pnm --write-png FILE picture.png';

interface Parser {
  parseDicom(bytes: Uint8Array, options: { inflater: (bytes: Uint8Array, position: number) => Uint8Array }): DataSet;
}

/** More than any picture that is read takes: what goes on is made to do harm. */
const maxInflatedBytes = 2 ** 30;

/** Frames of grey through the file's own window, and of red, green and blue. */
export async function openDicom({ bytes, name }: OpenRequest): Promise<Opened> {
  const { default: parser } = await import('dicom-parser');
  const { dataSet, header } = parse(bytes, { name, parser });
  const pixels = dataSet.elements['x7fe00010'];
  if (!pixels) throw notRead(name, 'DICOM', 'holds no picture', 'it may be a report or a list of other files');
  checkSize(header, name);
  checkKind(header, name);
  return {
    pageCount: header.frames,
    async page(index) {
      try {
        const frame = frameBytes({ dataSet, pixels, read: parser }, { header, index });
        return stretched(await decode(frame, header), header.aspect);
      } catch (thrown) {
        throw damaged(name, 'DICOM', errorOf(thrown));
      }
    },
  };
}

function parse(
  bytes: Uint8Array,
  { name, parser }: { name: string; parser: Parser },
): { dataSet: DataSet; header: DicomHeader } {
  try {
    const dataSet = parser.parseDicom(bytes, { inflater: inflated });
    return { dataSet, header: readDicomHeader(dataSet) };
  } catch (thrown) {
    throw damaged(name, 'DICOM', errorOf(thrown));
  }
}

/** The whole file with what stands behind its opening unpacked, as Deflated Explicit VR has it. */
function inflated(bytes: Uint8Array, position: number): Uint8Array {
  const rest = inflateRawSync(bytes.subarray(position), { maxOutputLength: maxInflatedBytes });
  return Buffer.concat([bytes.subarray(0, position), rest]);
}

/** The package throws strings and objects too. */
function errorOf(thrown: unknown): Error {
  const { exception = thrown } = thrown as { exception?: unknown };
  return exception instanceof Error ? exception : new Error(String(exception));
}

function checkKind(header: DicomHeader, name: string): void {
  const { samples, photometric, allocated, stored, transferSyntax, frames } = header;
  const isGrey = samples === 1 && /^MONOCHROME[12]$/.test(photometric);
  const isColour = samples === 3 && /^(RGB|YBR_FULL|YBR_FULL_422|YBR_RCT|YBR_ICT)$/.test(photometric) && stored === 8;
  const packing = packings[transferSyntax];
  if (packing === undefined) {
    const { is, unpack } = otherPackings[transferSyntax] ?? {
      is: `a transfer syntax of the number ${transferSyntax}`,
      unpack: undefined,
    };
    const remedy =
      unpack === undefined
        ? 'have the program that made it save it unpacked'
        : `unpack it first, for example with: ${unpack} FILE plain.dcm`;
    throw notRead(name, 'DICOM', `is packed with ${is}`, remedy);
  }
  if (packing === 'jpeg' && allocated > 8 && stored > 8) {
    throw notRead(
      name,
      'DICOM',
      `is packed with JPEG of ${stored} bits`,
      'unpack it first, for example with: dcmdjpeg FILE plain.dcm',
    );
  }
  if (!isGrey && !isColour) throw notRead(name, 'DICOM', `has colours of the kind ${photometric}`, hint);
  if (photometric === 'YBR_FULL_422' && packing !== 'jpeg') throw notRead(name, 'DICOM', 'has YBR_FULL_422', hint);
  if (![1, 8, 16, 32].includes(allocated) || stored > allocated || frames > 100_000) {
    throw damaged(name, 'DICOM', `has ${frames} frames of ${stored} bits in ${allocated}`);
  }
}

async function decode(frame: Uint8Array, header: DicomHeader): Promise<Pixels> {
  const { width, height, samples } = header;
  const tables = header.hasTables ? ['it has tables for its values, which are not used'] : [];
  if (packings[header.transferSyntax] === 'jpeg') return fromJpeg(frame, header);
  const stored = await storedSamples(frame, header);
  if (samples === 3) {
    const values = Uint8Array.from(stored);
    const fromBrightness = header.photometric === 'YBR_FULL' ? fromYbr(values) : values;
    return rgbaPixels({ width, height, bytes: rgbToRgb(fromBrightness) });
  }
  const { values, warnings } = windowed(stored, header);
  const pixels = rgbaPixels({ width, height, bytes: greyToRgb(values) });
  const all = [...tables, ...warnings];
  return all.length > 0 ? { ...pixels, warnings: all } : pixels;
}

/** With loss and eight bits: grey goes through the window too. */
async function fromJpeg(frame: Uint8Array, header: DicomHeader): Promise<Pixels> {
  const image = await decodeWithSkia(frame);
  if (image.width !== header.width || image.height !== header.height) {
    throw new Error('its packed picture is of another size than it says');
  }
  const pixels = upright(image, 1);
  if (header.samples === 3) return pixels;
  const { width, height } = header;
  const lines = pixels.lines(0, height);
  const stored = Uint8Array.from({ length: width * height }, (_, pixel) => lines[pixel * 4]!);
  const { values, warnings } = windowed(stored, header);
  return { ...rgbaPixels({ width, height, bytes: greyToRgb(values) }), warnings };
}

/** Source: DICOM PS3.3, C.7.6.3.1.2 */
function fromYbr(values: Uint8Array): Uint8Array {
  const rgb = new Uint8ClampedArray(values.length);
  for (let at = 0; at < values.length; at += 3) {
    const [y, cb, cr] = [values[at]!, values[at + 1]! - 128, values[at + 2]! - 128];
    rgb[at] = y + 1.402 * cr;
    rgb[at + 1] = y - 0.344136 * cb - 0.714136 * cr;
    rgb[at + 2] = y + 1.772 * cb;
  }
  return new Uint8Array(rgb.buffer);
}
