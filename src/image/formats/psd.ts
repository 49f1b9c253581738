import { inflateSync } from 'node:zlib';
import { damaged, notRead } from './damaged.ts';
import { type ColourModel, inSrgb, profileFits, profiledMaximum } from './in-srgb.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf } from './opened.ts';
import { lightToSrgb } from '../colour/code-points.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { rgbaPixels } from './raw-pixels.ts';
import { cmykToRgb, greyToRgb, labToRgb, rgbToRgb } from './rgb-bytes.ts';
import { unpackBits } from './tiff/packbits.ts';

interface Psd {
  width: number;
  height: number;
  channels: number;
  bits: 1 | 8 | 16 | 32;
  mode: Mode;
  /** Of an indexed one: 256 reds, greens and blues. */
  palette: Uint8Array;
  transparentIndex: number | undefined;
  profile: Uint8Array | undefined;
  /** Where the compression of the merged picture stands. */
  mergedAt: number;
  /** A channel behind the colours says how opaque they are. */
  hasAlpha: boolean;
  /** PSB: lengths of 32 and 64 bits. */
  large: boolean;
}

type Mode = 'bitmap' | 'grey' | 'indexed' | 'rgb' | 'cmyk' | 'duotone' | 'lab';

/** Source: Adobe, Photoshop File Formats Specification, "File Header Section" */
const modes: Readonly<Record<number, Mode>> = {
  0: 'bitmap',
  1: 'grey',
  2: 'indexed',
  3: 'rgb',
  4: 'cmyk',
  8: 'duotone',
  9: 'lab',
};
const channelsOf = { bitmap: 1, grey: 1, indexed: 1, rgb: 3, cmyk: 4, duotone: 1, lab: 3 } as const;

export function isPsd(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, 5) === '8BPS\0' && (bytes[5] === 1 || bytes[5] === 2);
}

/** Photoshop's picture as its layers come out together, which it keeps behind them, on white. */
export function openPsd({ bytes, name }: OpenRequest): Opened {
  const psd = readPsd(bytes, name);
  return { pageCount: 1, page: () => decode(bytes, psd, name) };
}

const hint = 'save it anew with "maximize compatibility" as RGB, or as PNG';

function readPsd(bytes: Uint8Array, name: string): Psd {
  const view = viewOf(bytes);
  const large = bytes[5] === 2;
  if (bytes.byteLength < 40) throw damaged(name, 'PSD', cutShort);
  const [height, width] = [view.getUint32(14), view.getUint32(18)];
  checkSize({ width, height }, name);
  const mode = modes[view.getUint16(24)];
  if (mode === undefined) throw notRead(name, 'PSD', `has colours of mode ${view.getUint16(24)}`, hint);
  const bits = view.getUint16(22);
  const channels = view.getUint16(12);
  if ((bits !== 1 && bits !== 8 && bits !== 16 && bits !== 32) || channels < channelsOf[mode]) {
    throw damaged(name, 'PSD', `has ${channels} channels of ${bits} bits`);
  }
  if (mode === 'indexed' && bits !== 8) throw damaged(name, 'PSD', `has numbers of colours of ${bits} bits`);
  const sections = readSections(bytes, { large, name });
  const resources = readResources(bytes, sections.resources);
  const [, , , , hasMerged = 1] = resources.get(1057) ?? [];
  if (hasMerged === 0) throw notRead(name, 'PSD', 'holds only its layers and not the picture that they make', hint);
  const index = resources.get(1047);
  return {
    width,
    height,
    channels,
    bits,
    mode,
    palette: bytes.subarray(sections.colours.start, sections.colours.end),
    transparentIndex: index && index.length >= 2 ? viewOf(index).getUint16(0) : undefined,
    profile: resources.get(1039),
    mergedAt: sections.mergedAt,
    hasAlpha: layerCount(bytes, sections.layers, large) < 0 && channels > channelsOf[mode],
    large,
  };
}

interface Section {
  start: number;
  end: number;
}

function readSections(
  bytes: Uint8Array,
  { large, name }: { large: boolean; name: string },
): { colours: Section; resources: Section; layers: Section; mergedAt: number } {
  const view = viewOf(bytes);
  let at = 26;
  const next = (lengthBytes: 4 | 8): Section => {
    if (at + lengthBytes > bytes.byteLength) throw damaged(name, 'PSD', cutShort);
    const length = lengthBytes === 8 ? Number(view.getBigUint64(at)) : view.getUint32(at);
    const start = at + lengthBytes;
    at = start + length;
    if (at > bytes.byteLength) throw damaged(name, 'PSD', cutShort);
    return { start, end: at };
  };
  const colours = next(4);
  const resources = next(4);
  const layers = next(large ? 8 : 4);
  if (at + 2 > bytes.byteLength) throw damaged(name, 'PSD', cutShort);
  return { colours, resources, layers, mergedAt: at };
}

/** Negative where the picture that they make has transparency. */
function layerCount(bytes: Uint8Array, { start, end }: Section, large: boolean): number {
  const at = start + (large ? 8 : 4);
  return at + 2 <= end ? viewOf(bytes).getInt16(at) : 0;
}

function readResources(bytes: Uint8Array, { start, end }: Section): Map<number, Uint8Array> {
  const view = viewOf(bytes);
  const found = new Map<number, Uint8Array>();
  for (let at = start; at + 12 <= end;) {
    const nameLength = bytes[at + 6]! + 1;
    const lengthAt = at + 6 + nameLength + (nameLength % 2);
    if (ascii(bytes, at, 3) !== '8BI' || lengthAt + 4 > end) break;
    const length = view.getUint32(lengthAt);
    found.set(view.getUint16(at + 4), bytes.subarray(lengthAt + 4, Math.min(end, lengthAt + 4 + length)));
    at = lengthAt + 4 + length + (length % 2);
  }
  return found;
}

async function decode(bytes: Uint8Array, psd: Psd, name: string): Promise<Pixels> {
  const { width, height, mode, bits, profile } = psd;
  const planes = channelPlanes(bytes, psd, name);
  const warnings = mode === 'duotone' ? ['it is printed with inks of its own: it is shown in grey'] : [];
  const model = ({ grey: 'grey', rgb: 'rgb', cmyk: 'cmyk' } as Partial<Record<Mode, ColourModel>>)[mode];
  if (bits === 32) warnings.push('its colours have 32 bits: what is brighter than white is shown as white');
  const fits = model !== undefined && profile !== undefined && bits < 32 && profileFits(profile, model);
  const raw = fits
    ? await inSrgb(
        { width, height, model, values: interleaved(planes, psd, profiledMaximum(profile, { model, bits })), profile },
        name,
      )
    : inRgb(interleaved(planes, psd, 255), { psd });
  if (psd.hasAlpha) withAlpha(raw, interleaved(planes, psd, 255, { first: channelsOf[mode], count: 1 }));
  const pixels = rgbaPixels({ width, height, bytes: raw });
  return warnings.length > 0 ? { ...pixels, warnings } : pixels;
}

/**
 * Photoshop keeps the colours as they look on white, other programs as they are: some are then darker than white that
 * shines through can make them.
 */
function withAlpha(raw: Uint8Array, alpha: Uint8Array | Uint16Array): void {
  const isOnWhite = alpha.every((share, pixel) =>
    raw.subarray(pixel * 4, pixel * 4 + 3).every((colour) => colour >= 255 - share - rounding),
  );
  if (isOnWhite) return;
  for (const [pixel, share] of alpha.entries()) raw[pixel * 4 + 3] = share;
}

const rounding = 3;

/** Bytes of each channel of colours, one after the other, and of transparency where there is one. */
function channelPlanes(bytes: Uint8Array, psd: Psd, name: string): Uint8Array {
  const { width, height, channels, bits, mode, mergedAt, large } = psd;
  const lineLength = Math.ceil((width * bits) / 8);
  const wanted = lineLength * height * (channelsOf[mode] + Number(psd.hasAlpha));
  const content = bytes.subarray(mergedAt + 2);
  const compression = viewOf(bytes).getUint16(mergedAt);
  if (compression === 0) {
    if (content.length < wanted) throw damaged(name, 'PSD', cutShort);
    return content.subarray(0, wanted);
  }
  if (compression === 1) return runLengths(content, { lines: height * channels, lineLength, wanted, large, name });
  if (compression !== 2 && compression !== 3) throw damaged(name, 'PSD', `is packed in way ${compression}`);
  try {
    const planes = inflateSync(content, { maxOutputLength: lineLength * height * channels + 65_536 });
    if (planes.length < wanted) throw damaged(name, 'PSD', cutShort);
    return compression === 3 ? summed(planes.subarray(0, wanted), { lineLength, bits }) : planes.subarray(0, wanted);
  } catch (thrown) {
    throw damaged(name, 'PSD', thrown);
  }
}

function runLengths(
  content: Uint8Array,
  {
    lines,
    lineLength,
    wanted,
    large,
    name,
  }: { lines: number; lineLength: number; wanted: number; large: boolean; name: string },
): Uint8Array {
  const view = viewOf(content);
  const countLength = large ? 4 : 2;
  const planes = new Uint8Array(wanted);
  let at = lines * countLength;
  for (let line = 0; line * lineLength < wanted; line++) {
    if ((line + 1) * countLength > content.length) throw damaged(name, 'PSD', cutShort);
    const length = large ? view.getUint32(line * 4) : view.getUint16(line * 2);
    if (at + length > content.length) throw damaged(name, 'PSD', cutShort);
    const unpacked = unpackBits(content.subarray(at, at + length), lineLength + 1);
    if (unpacked.length < lineLength) throw damaged(name, 'PSD', 'has a line that breaks off');
    if (unpacked.length > lineLength) throw damaged(name, 'PSD', 'has a line that is longer than the picture');
    planes.set(unpacked, line * lineLength);
    at += length;
  }
  return planes;
}

/** Samples were stored as differences from the ones before them; those of 32 bits as TIFF's predictor 3 has them. */
function summed(planes: Uint8Array, { lineLength, bits }: { lineLength: number; bits: number }): Uint8Array {
  const sums = new Uint8Array(planes);
  const view = viewOf(sums);
  for (let line = 0; line < sums.length; line += lineLength) {
    if (bits === 16) {
      for (let at = line + 2; at < line + lineLength; at += 2) {
        view.setUint16(at, (view.getUint16(at) + view.getUint16(at - 2)) & 0xff_ff);
      }
      continue;
    }
    for (let at = line + 1; at < line + lineLength; at++) sums[at]! += sums[at - 1]!;
    if (bits !== 32) continue;
    const ordered = sums.slice(line, line + lineLength);
    const count = lineLength / 4;
    for (let at = 0; at < lineLength; at++) sums[line + (at % count) * 4 + Math.floor(at / count)] = ordered[at]!;
  }
  return sums;
}

/** [height, width, channels]; inks as everyone else has them, 0 being none. */
function interleaved(
  planes: Uint8Array,
  psd: Psd,
  maximum: 255 | 65_535,
  { first, count } = { first: 0, count: channelsOf[psd.mode] as number },
): Uint8Array | Uint16Array {
  const { width, height, mode, bits } = psd;
  const lineLength = Math.ceil((width * bits) / 8);
  const view = viewOf(planes);
  const read: Record<Psd['bits'], (line: number, x: number) => number> = {
    1: (line, x) => ((planes[line + (x >> 3)]! >> (7 - (x & 7))) & 1 ? 0 : maximum), // 1 is black
    8: (line, x) => planes[line + x]!,
    16: (line, x) => (maximum === 255 ? Math.round(view.getUint16(line + x * 2) / 257) : view.getUint16(line + x * 2)),
    32: (line, x) => {
      const light = Math.min(1, Math.max(0, view.getFloat32(line + x * 4) || 0));
      return Math.round(lightToSrgb(light) * maximum);
    },
  };
  const values = new (maximum === 255 ? Uint8Array : Uint16Array)(width * height * count);
  for (let channel = 0; channel < count; channel++) {
    for (let y = 0; y < height; y++) {
      const line = ((first + channel) * height + y) * lineLength;
      for (let x = 0, at = y * width * count + channel; x < width; x++, at += count) {
        const value = read[bits](line, x);
        values[at] = mode === 'cmyk' && first === 0 ? maximum - value : value;
      }
    }
  }
  return values;
}

function inRgb(values: Uint8Array | Uint16Array, { psd }: { psd: Psd }): Uint8Array {
  const { mode, palette, transparentIndex } = psd;
  if (mode === 'rgb') return rgbToRgb(values);
  if (mode === 'cmyk') return cmykToRgb(values);
  if (mode === 'lab') return labToRgb(values, (value, index) => (index === 0 ? (value * 100) / 255 : value - 128));
  if (mode !== 'indexed') return greyToRgb(values);
  const bytes = new Uint8Array(values.length * 4).fill(255);
  for (const [pixel, index] of values.entries()) {
    for (let channel = 0; channel < 3; channel++) bytes[pixel * 4 + channel] = palette[channel * 256 + index] ?? 0;
    if (index === transparentIndex) bytes[pixel * 4 + 3] = 0;
  }
  return bytes;
}
