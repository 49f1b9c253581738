import { damaged } from './damaged.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { rgbaPixels } from './raw-pixels.ts';
import { cmykToRgb, greyToRgb, rgbToRgb } from './rgb-bytes.ts';
import { sharesOf } from './tiff/shares.ts';

interface Header {
  width: number;
  height: number;
  /** Samples of a pixel, of which those behind the colours are transparency. */
  samples: number;
  /** Of a pixel: grey, red, green and blue, or inks. */
  colours: 1 | 3 | 4;
  /** The greatest value of a sample. */
  top: number;
  coding: 'text' | 'bits' | 'bytes' | 'floats';
  /** What the file does not say of itself. */
  warning?: string;
  /** Of bitmaps, in which 1 is black. */
  inverted: boolean;
  little: boolean;
  /** Behind the header. */
  start: number;
}

const blank = String.raw`(?:[ \t\r\n\v\f]+(?:#[^\n]*\n[ \t\r\n\v\f]*)*)`;
const plain = new RegExp(`^P([1-6])${blank}(\\d{1,6})${blank}(\\d{1,6})`);
const float = new RegExp(`^P([fF])${blank}(\\d{1,6})${blank}(\\d{1,6})${blank}(-?[\\d.]+(?:e[-+]?\\d+)?)\\s`, 'i');
/** A header with its comments. */
const openingLength = 4096;

/** Netpbm's PBM, PGM, PPM and PAM, and PFM. */
export function isPnm(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x50) return false;
  const opening = ascii(bytes, 0, openingLength);
  return plain.test(opening) || float.test(opening) || /^P7\s/.test(opening);
}

/** Source: the manual pages of Netpbm, pbm(5) to pam(5) and pfm(5) */
export function openPnm({ bytes, name }: OpenRequest): Opened {
  const header = readHeader(ascii(bytes, 0, openingLength));
  if (!header) throw damaged(name, 'PNM', 'has a header that cannot be read');
  checkSize(header, name);
  return { pageCount: 1, page: async () => decode(bytes, header, name) };
}

function readHeader(opening: string): Header | undefined {
  if (opening.startsWith('P7')) return readPam(opening);
  const [floats, letter, across, down, scale] = float.exec(opening) ?? [];
  if (floats !== undefined) {
    const colours = letter === 'F' ? 3 : 1;
    const size = { width: Number(across), height: Number(down) };
    return {
      ...size,
      samples: colours,
      colours,
      top: 1,
      coding: 'floats',
      inverted: false,
      little: Number(scale) < 0,
      start: floats.length,
    };
  }
  const [read, digit, width, height] = plain.exec(opening) ?? [];
  if (read === undefined) return undefined;
  const kind = Number(digit);
  const isBitmap = kind === 1 || kind === 4;
  const [depth, top] = isBitmap
    ? ['', '1']
    : (new RegExp(`^${blank}(\\d{1,5})`).exec(opening.slice(read.length)) ?? []);
  if (depth === undefined || Number(top) < 1 || Number(top) > 65_535) return undefined;
  return {
    width: Number(width),
    height: Number(height),
    samples: kind === 3 || kind === 6 ? 3 : 1,
    colours: kind === 3 || kind === 6 ? 3 : 1,
    top: Number(top),
    coding: kind <= 3 ? 'text' : isBitmap ? 'bits' : 'bytes',
    inverted: isBitmap,
    little: false,
    start: read.length + depth.length + 1,
  };
}

function readPam(opening: string): Header | undefined {
  const end = opening.search(/\nENDHDR[^\n]*\n/);
  if (end < 0) return undefined;
  const field = (name: string): number =>
    Number(new RegExp(`^${name}\\s+(\\d{1,6})\\s*$`, 'm').exec(opening.slice(0, end))?.[1]);
  const [width, height, samples, top] = [field('WIDTH'), field('HEIGHT'), field('DEPTH'), field('MAXVAL')];
  const colours = /^TUPLTYPE\s+CMYK/m.test(opening.slice(0, end)) ? 4 : samples < 3 ? 1 : 3;
  const isKnown = samples === colours || samples === colours + 1;
  if (!(width > 0 && height > 0 && isKnown && top >= 1 && top <= 65_535)) return undefined;
  const start = opening.indexOf('\n', end + 1) + 1;
  const isStated = samples === colours || /^TUPLTYPE\s+\S+_ALPHA\s*$/m.test(opening.slice(0, end));
  const warning = 'it does not say what the samples behind its colours are: they are taken for transparency';
  const header = {
    width,
    height,
    samples,
    colours,
    top,
    coding: 'bytes',
    inverted: false,
    little: false,
    start,
  } as const;
  return isStated ? header : { ...header, warning };
}

function decode(bytes: Uint8Array, header: Header, name: string): Pixels {
  const { top, coding, inverted } = header;
  const stored = readSamples(bytes, header);
  if (!stored) throw damaged(name, 'PNM', cutShort);
  if (coding === 'floats') {
    const shares = sharesOf(stored, { bits: 32, format: 'float', maximum: 255, noData: undefined });
    const pixels = withAlpha(shares.values, header);
    return shares.warnings.length > 0 ? { ...pixels, warnings: shares.warnings } : pixels;
  }
  const values = Uint8Array.from(stored, (value) => Math.round((Math.min(value, top) * 255) / top));
  const pixels = withAlpha(inverted ? values.map((value) => 255 - value) : values, header);
  return header.warning === undefined ? pixels : { ...pixels, warnings: [header.warning] };
}

function withAlpha(
  values: Uint8Array | Uint16Array,
  { width, height, samples, colours }: Pick<Header, 'width' | 'height' | 'samples' | 'colours'>,
): Pixels {
  const toRgb = { 1: greyToRgb, 3: rgbToRgb, 4: cmykToRgb }[colours];
  if (samples === colours) return rgbaPixels({ width, height, bytes: toRgb(values) });
  const alone = values.filter((_, at) => at % samples < colours);
  const bytes = toRgb(alone);
  for (let pixel = 0; pixel < width * height; pixel++) bytes[pixel * 4 + 3] = values[pixel * samples + colours]!;
  return rgbaPixels({ width, height, bytes });
}

function readSamples(bytes: Uint8Array, header: Header): Uint8Array | Uint16Array | Float32Array | undefined {
  const { width, height, samples, top, coding, start } = header;
  const count = width * height * samples;
  const content = bytes.subarray(start);
  if (coding === 'text') return readText(content, { count, digits: header.inverted });
  const lineLength =
    coding === 'bits' ? Math.ceil(width / 8) : width * samples * (coding === 'floats' ? 4 : top > 255 ? 2 : 1);
  if (content.length < lineLength * height) return undefined;
  const view = viewOf(content);
  if (coding === 'bits') {
    return Uint8Array.from({ length: count }, (_, at) => {
      const x = at % width;
      return (content[Math.floor(at / width) * lineLength + (x >> 3)]! >> (7 - (x & 7))) & 1;
    });
  }
  if (coding === 'floats') {
    // The lowest line comes first.
    const inLine = width * samples;
    return Float32Array.from({ length: count }, (_, at) => {
      const line = height - 1 - Math.floor(at / inLine);
      return view.getFloat32((line * inLine + (at % inLine)) * 4, header.little);
    });
  }
  if (top <= 255) return content.subarray(0, count);
  return Uint16Array.from({ length: count }, (_, at) => view.getUint16(at * 2));
}

/** @param digits every digit is a sample, with or without blanks between them */
function readText(content: Uint8Array, { count, digits }: { count: number; digits: boolean }): Uint16Array | undefined {
  const values = new Uint16Array(count);
  let found = 0;
  let value: number | undefined;
  for (let at = 0; at <= content.length && found < count; at++) {
    const digit = (content[at] ?? 0x20) - 0x30;
    if (digit >= 0 && digit <= 9) value = Math.min(65_535, (value ?? 0) * 10 + digit);
    if (value !== undefined && (digits || digit < 0 || digit > 9)) {
      values[found++] = value;
      value = undefined;
    }
  }
  return found < count ? undefined : values;
}
