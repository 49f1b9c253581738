import type { Pixels } from '../../pixels/patches.ts';
import { readJpeg } from '../jpeg.ts';
import type { Size } from '../opened.ts';
import { loadSharp } from '../vips.ts';
import type { LoadedPage, PdfDocument } from './document.ts';
import { parsedObject } from './objects.ts';
import type { Pdfium, Pointer } from './pdfium.ts';

/** A page that shows one JPEG, all over, and nothing else. */
export interface Scan {
  jpeg: Uint8Array;
  /** Clockwise. */
  turn: 0 | 90 | 180 | 270;
}

/** FPDF_PAGEOBJ and FPDF_COLORSPACE. Source: PDFium's `fpdf_edit.h`. */
const objectType = { text: 1, image: 3 };
const colourSpace = { grey: 1, rgb: 2, icc: 7 };
/** FPDF_IMAGEOBJ_METADATA: bytes, and where the colour space is in them. */
const metadata = { byteLength: 28, colourSpace: 20 };
const invisible = 3;
/** Pages of a scanner have next to nothing but the words that it has read. */
const maxObjects = 5000;
/** How far, in pixels, a picture may stop short of its page's edges or stand over them. */
const tolerance = 1;

/**
 * The scan that is all of a page; undefined for every other page, and for one that PDFium has to convert. libvips
 * decodes a JPEG at half or a quarter of its size, which takes a fraction of the time.
 */
export function scanOf(document: PdfDocument, { index, size }: { index: number; size: Size }): Scan | undefined {
  const { pdfium } = document.engine;
  return document.onPage(index, (loaded) => {
    const image = onlyImage(pdfium, loaded);
    if (image === undefined) return undefined;
    const turn = turnOf(pdfium, { page: loaded.page, image, size });
    if (turn === undefined) return undefined;
    const jpeg = plainJpeg(document, { page: loaded.page, image });
    return jpeg && isLarger(jpeg.size, { turn, size }) ? { jpeg: jpeg.bytes, turn } : undefined;
  });
}

/** How a small one is enlarged is left to PDFium. */
function isLarger(jpeg: Size, { turn, size }: { turn: Scan['turn']; size: Size }): boolean {
  const isOnItsSide = turn % 180 !== 0;
  const [width, height] = isOnItsSide ? [size.height, size.width] : [size.width, size.height];
  return jpeg.width >= width && jpeg.height >= height;
}

/** @returns undefined when it is damaged: PDFium shows what there is of it */
export async function decodeScan({ jpeg, turn }: Scan, { width, height }: Size): Promise<Pixels | undefined> {
  const sharp = await loadSharp();
  const isOnItsSide = turn % 180 !== 0;
  try {
    const picture = sharp(jpeg, { failOn: 'warning', ignoreIcc: true, limitInputPixels: false })
      .resize(isOnItsSide ? height : width, isOnItsSide ? width : height, { fit: 'fill', kernel: 'linear' })
      .rotate(turn)
      .toColourspace('srgb');
    const { data } = await picture.raw().toBuffer({ resolveWithObject: true });
    const rgbLines = (first: number, count: number): Uint8Array =>
      data.subarray(first * width * 3, (first + count) * width * 3);
    return { width, height, rgbLines, lines: (first, count) => inFours(rgbLines(first, count)) };
  } catch {
    return undefined;
  }
}

function onlyImage(pdfium: Pdfium, { page, form }: LoadedPage): Pointer | undefined {
  const { calls } = pdfium;
  const count = calls.FPDFPage_CountObjects(page);
  if (form !== 0 || count > maxObjects || calls.FPDFPage_GetAnnotCount(page) > 0) return undefined;
  let image: Pointer | undefined;
  for (let index = 0; index < count; index++) {
    const object = calls.FPDFPage_GetObject(page, index);
    const type = calls.FPDFPageObj_GetType(object);
    if (type === objectType.image && image === undefined) image = object;
    else if (type !== objectType.text || calls.FPDFTextObj_GetTextRenderMode(object) !== invisible) return undefined;
  }
  return image !== undefined && isPlain(pdfium, image) ? image : undefined;
}

/** Not clipped, see-through or on a layer. */
function isPlain(pdfium: Pdfium, object: Pointer): boolean {
  const { calls } = pdfium;
  if (calls.FPDFPageObj_HasTransparency(object)) return false;
  if (calls.FPDFClipPath_CountPaths(calls.FPDFPageObj_GetClipPath(object)) > 0) return false;
  return calls.FPDFPageObj_CountMarks(object) === 0;
}

/** How a picture that covers its page is turned; undefined when it does not, or is mirrored or slanted. */
function turnOf(
  pdfium: Pdfium,
  { page, image, size }: { page: Pointer; image: Pointer; size: Size },
): Scan['turn'] | undefined {
  const { calls } = pdfium;
  const matrix = pdfium.floats(6, (at) => calls.FPDFPageObj_GetMatrix(image, at));
  if (!matrix) return undefined;
  const [a, b, c, d, e, f] = matrix as [number, number, number, number, number, number];
  const { width, height } = size;
  const corner = (x: number, y: number): [number, number] =>
    pdfium.lend(8, (at) => {
      const point = [a * x + c * y + e, b * x + d * y + f] as const;
      calls.FPDF_PageToDevice(page, 0, 0, width, height, 0, ...point, at, at + 4);
      return [calls.pdfium.getValue(at, 'i32'), calls.pdfium.getValue(at + 4, 'i32')];
    });
  // Where the picture's upper left, upper right and lower left corners are; its lower left is its origin.
  const corners = [corner(0, 1), corner(1, 1), corner(0, 0)];
  const places: [Scan['turn'], [number, number][]][] = [
    [
      0,
      [
        [0, 0],
        [width, 0],
        [0, height],
      ],
    ],
    [
      90,
      [
        [width, 0],
        [width, height],
        [0, 0],
      ],
    ],
    [
      180,
      [
        [width, height],
        [0, height],
        [width, 0],
      ],
    ],
    [
      270,
      [
        [0, height],
        [0, 0],
        [width, height],
      ],
    ],
  ];
  const isAt = ([x, y]: [number, number], [left, top]: [number, number]): boolean =>
    Math.abs(x - left) <= tolerance && Math.abs(y - top) <= tolerance;
  return places.find(([, expected]) => corners.every((place, index) => isAt(place, expected[index]!)))?.[0];
}

/** Its bytes and size, unless something has to be done to its colours. */
function plainJpeg(
  document: PdfDocument,
  { page, image }: { page: Pointer; image: Pointer },
): { bytes: Uint8Array; size: Size } | undefined {
  const { pdfium } = document.engine;
  const { calls } = pdfium;
  const bytes = pdfium.bytes((buffer, length) => calls.FPDFImageObj_GetImageDataRaw(image, buffer, length));
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const dictionary = document.streamDictionary(bytes);
  if (!dictionary || !isPlainDictionary(dictionary)) return undefined;
  const { size, channels, damage } = readJpeg(bytes);
  if (!size || damage !== undefined) return undefined;
  return channels === plainChannels(pdfium, { page, image }) ? { bytes, size } : undefined;
}

/** How many the samples of the image's colour space have; undefined when they have to be converted. */
function plainChannels(pdfium: Pdfium, { page, image }: { page: Pointer; image: Pointer }): number | undefined {
  const { calls } = pdfium;
  const space = pdfium.lend(metadata.byteLength, (at) => {
    calls.FPDFImageObj_GetImageMetadata(image, page, at);
    return calls.pdfium.getValue(at + metadata.colourSpace, 'i32');
  });
  if (space === colourSpace.grey) return 1;
  if (space === colourSpace.rgb) return 3;
  return space === colourSpace.icc && isSrgb(iccProfile(pdfium, { page, image })) ? 3 : undefined;
}

function iccProfile(pdfium: Pdfium, { page, image }: { page: Pointer; image: Pointer }): Uint8Array {
  return pdfium.lend(4, (written) =>
    pdfium.bytes((buffer, length) => {
      pdfium.calls.FPDFImageObj_GetIccProfileDataDecoded(image, page, buffer, length, written);
      return pdfium.calls.pdfium.getValue(written, 'i32');
    }),
  );
}

/** As makers of profiles name it, in their two ways to write a description. */
function isSrgb(profile: Uint8Array): boolean {
  const text = Buffer.from(profile).toString('latin1').replaceAll('\0', '');
  return profile.byteLength < 8192 && text.includes('RGB XYZ') && /sRGB IEC61966-2.1|sRGB built-in/.test(text);
}

/** All that an image can say about how its samples are to be taken; `ColorSpace` has been seen to. */
const unchanging = new Set(['Type', 'Subtype', 'Width', 'Height', 'ColorSpace', 'BitsPerComponent', 'Length', 'Name']);

function isPlainDictionary(text: string): boolean {
  const dictionary = parsedObject(text);
  if (dictionary.kind !== 'dictionary') return false;
  return [...dictionary.entries].every(([key, value]) => {
    if (key === 'Filter') return value.kind === 'name' && value.text === 'DCTDecode';
    if (key === 'Interpolate') return true;
    return unchanging.has(key);
  });
}

function inFours(rgb: Uint8Array): Uint8Array {
  const fours = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    fours[to] = rgb[from]!;
    fours[to + 1] = rgb[from + 1]!;
    fours[to + 2] = rgb[from + 2]!;
  }
  return fours;
}
