import { type Directory, type Tiff, numbers, tags, text, valueBytes } from './directories.ts';
import { type Layout, photometrics } from './layout.ts';
import { damaged, notRead } from '../damaged.ts';
import { inSrgb, profileFits, profiledMaximum } from '../in-srgb.ts';
import type { Size } from '../opened.ts';
import { cmykToRgb, greyToRgb, labToRgb, multipliedOnWhite, rgbToRgb } from '../rgb-bytes.ts';
import { readSamples } from './samples.ts';
import { sharesOf } from './shares.ts';
import { type Values, createValues } from './stored.ts';

export interface Coloured {
  /** [height, width, 4]: red, green, blue and how opaque. */
  bytes: Uint8Array;
  warnings: string[];
}

interface Source {
  tiff: Tiff;
  directory: Directory;
  layout: Layout;
  /** [height, width, colours] */
  values: Values;
  /** Samples of a pixel in it. */
  colours: number;
  alpha: Alpha | undefined;
  /** The codec has made red, green and blue of YCbCr. */
  converted: boolean;
}

interface Alpha {
  /** [height, width], 0 to 255. */
  shares: Uint8Array;
  /** Colours are multiplied by it. */
  multiplied: boolean;
}

/** @throws PixtralError `input` for colours that are not read here, or samples that are damaged */
export async function readColours(tiff: Tiff, directory: Directory, layout: Layout): Promise<Coloured> {
  const colours = coloursOf(tiff, directory, layout);
  const { alpha: kind, kept, warnings } = transparency(layout, colours);
  const { values: all, converted, faulty } = await readSamples(tiff, { directory, layout, kept });
  if (faulty) warnings.push('its data has faults: lines of it may be wrong');
  const values = kind ? sliced(all, { stride: colours + 1, from: 0, count: colours, layout }) : all;
  const alpha =
    kind && alphaOf(sliced(all, { stride: colours + 1, from: colours, count: 1, layout }), { kind, layout, colours });
  const source = { tiff, directory, layout, values, colours, alpha, converted };
  const coloured = await inColours(source);
  return { bytes: coloured.bytes, warnings: [...warnings, ...coloured.warnings] };
}

/** Colour samples by what the picture says that its samples mean. Source: TIFF 6.0, section 3 to 6, 16, 20 to 23 */
const colourSamples: Readonly<Record<number, number>> = {
  [photometrics.whiteIsZero]: 1,
  [photometrics.blackIsZero]: 1,
  [photometrics.rgb]: 3,
  [photometrics.palette]: 1,
  [photometrics.mask]: 1,
  [photometrics.separated]: 4,
  [photometrics.yCbCr]: 3,
  [photometrics.cieLab]: 3,
  [photometrics.iccLab]: 3,
  [photometrics.ituLab]: 3,
};

const unreadColours: Readonly<Record<number, string>> = {
  [photometrics.sensor]: 'the raw samples of a camera',
  [photometrics.linearRaw]: 'the raw samples of a camera',
  [photometrics.logL]: 'colours as logarithms of light (LogL)',
  [photometrics.logLuv]: 'colours as logarithms of light (LogLuv)',
};

function coloursOf(tiff: Tiff, directory: Directory, { photometric, samples }: Layout): number {
  const { name } = tiff;
  const colours = colourSamples[photometric];
  if (colours === undefined) {
    const what = unreadColours[photometric] ?? `colours of a kind that has the number ${photometric}`;
    throw notRead(name, 'TIFF', `has ${what}`, 'save it anew as RGB, or as PNG');
  }
  if (samples >= colours) return colours;
  if (photometric === photometrics.cieLab) return 1;
  if (photometric === photometrics.separated) {
    const inks = text(tiff, directory, tags.inkNames);
    const whose = inks ? `(${inks})` : 'whose colours it does not say';
    throw notRead(name, 'TIFF', `has plates for ${samples} of four inks, ${whose}`, 'save it anew as CMYK or RGB');
  }
  throw damaged(name, 'TIFF', `has ${samples} samples a pixel, expected ${colours} of its colours`);
}

/** Which samples to read: what stands behind the colours is transparency only where the file says so. */
function transparency(
  { samples, extra, photometric }: Layout,
  colours: number,
): { alpha: 1 | 2 | undefined; kept: number[]; warnings: string[] } {
  const behind = samples - colours;
  const kinds = behind > 0 ? extra.slice(-behind) : [];
  const index = kinds.findIndex((kind) => kind === 1 || kind === 2);
  const kept = Array.from({ length: colours }, (_, sample) => sample);
  const warnings: string[] = [];
  if (behind > 0 && kinds.length === 0) {
    warnings.push('it does not say what the samples behind its colours are: they are not shown');
  } else if (photometric === photometrics.separated && kinds.includes(0)) {
    warnings.push('it has plates beside cyan, magenta, yellow and black: they are not shown');
  } else if (colours === 1 && behind > 1 && index < 0) {
    warnings.push(`it has ${samples} bands: the first is shown`);
  }
  // Ink that is multiplied by its transparency is as it looks on white.
  const asOnWhite = photometric === photometrics.separated || photometric === photometrics.whiteIsZero;
  if (index < 0 || (kinds[index] === 1 && asOnWhite)) return { alpha: undefined, kept, warnings };
  return { alpha: kinds[index] === 1 ? 1 : 2, kept: [...kept, colours + index], warnings };
}

function sliced(
  all: Values,
  { stride, from, count, layout }: { stride: number; from: number; count: number; layout: Layout },
): Values {
  const values = createValues({ bits: layout.bits[from]!, format: layout.format }, (all.length / stride) * count);
  for (let at = 0, start = from; at < values.length; start += stride) {
    for (let sample = 0; sample < count; sample++, at++) values[at] = all[start + sample]!;
  }
  return values;
}

function alphaOf(values: Values, { kind, layout, colours }: { kind: 1 | 2; layout: Layout; colours: number }): Alpha {
  const { bits, format } = layout;
  const shares = sharesOf(values, { bits: bits[colours]!, format, maximum: 255, noData: undefined });
  return { shares: shares.values as Uint8Array, multiplied: kind === 1 };
}

async function inColours(source: Source): Promise<Coloured> {
  const { photometric } = source.layout;
  const isLab = [photometrics.cieLab, photometrics.iccLab, photometrics.ituLab].some((lab) => lab === photometric);
  if (photometric === photometrics.palette) return withAlpha(await fromPalette(source), source);
  if (isLab && source.colours === 3) return withAlpha(fromLab(source), source);
  if (photometric === photometrics.yCbCr && !source.converted) return withAlpha(await fromYCbCr(source), source);
  return fromShares(source);
}

/** Grey, red green and blue, and inks, in the colours of the file's profile where it has one. */
async function fromShares(source: Source): Promise<Coloured> {
  const { tiff, directory, layout, colours, alpha } = source;
  const { width, height, bits, photometric } = layout;
  const model = colours === 4 ? 'cmyk' : colours === 3 ? 'rgb' : 'grey';
  const profile = valueBytes(tiff, directory, tags.iccProfile);
  const fits = profile !== undefined && profileFits(profile, model);
  const maximum = fits ? profiledMaximum(profile, { model, bits: bits[0]! }) : 255;
  const { values, warnings } = colourShares(source, maximum);
  if (photometric === photometrics.whiteIsZero)
    for (let at = 0; at < values.length; at++) values[at] = maximum - values[at]!;
  if (!fits) {
    if (profile) warnings.push('its colour profile is not for its kind of colours: it is not used');
    const toRgb = { grey: greyToRgb, rgb: rgbToRgb, cmyk: cmykToRgb }[model];
    return withAlpha({ bytes: toRgb(values), warnings }, source);
  }
  if (alpha?.multiplied) unmultiply(values, { maximum, colours, alpha: alpha.shares });
  const bytes = await inSrgb({ width, height, model, values, profile }, tiff.name);
  return withAlpha({ bytes, warnings }, { alpha: alpha && { ...alpha, multiplied: false } });
}

function colourShares(
  { tiff, directory, layout, values, colours }: Source,
  maximum: 255 | 65_535,
): { values: Uint8Array | Uint16Array; warnings: string[] } {
  const { bits, format } = layout;
  const noData = Number.parseFloat(text(tiff, directory, tags.noData) ?? '');
  const options = { format, maximum, noData: Number.isNaN(noData) ? undefined : noData };
  if (bits.slice(0, colours).every((each) => each === bits[0])) {
    return sharesOf(values, { ...options, bits: bits[0]! });
  }
  const shares = new (maximum === 255 ? Uint8Array : Uint16Array)(values.length);
  for (let colour = 0; colour < colours; colour++) {
    const one = sliced(values, { stride: colours, from: colour, count: 1, layout });
    const { values: channel } = sharesOf(one, { ...options, bits: bits[colour]! });
    for (const [pixel, value] of channel.entries()) shares[pixel * colours + colour] = value;
  }
  return { values: shares, warnings: [] };
}

function unmultiply(
  values: Uint8Array | Uint16Array,
  { maximum, colours, alpha }: { maximum: number; colours: number; alpha: Uint8Array },
): void {
  for (let at = 0; at < values.length; at++) {
    const share = alpha[Math.floor(at / colours)]!;
    if (share > 0 && share < 255) values[at] = Math.min(maximum, Math.round((values[at]! * 255) / share));
  }
}

function withAlpha({ bytes, warnings }: Coloured, { alpha }: Pick<Source, 'alpha'>): Coloured {
  if (alpha?.multiplied) multipliedOnWhite(bytes, alpha.shares);
  else if (alpha) for (const [pixel, share] of alpha.shares.entries()) bytes[pixel * 4 + 3] = share;
  return { bytes, warnings };
}

async function fromPalette({ tiff, directory, layout, values }: Source): Promise<Coloured> {
  const map = numbers(tiff, directory, tags.colorMap);
  const size = 2 ** layout.bits[0]!;
  if (layout.bits[0]! > 16 || map.length < size * 3) throw damaged(tiff.name, 'TIFF', 'has no palette of its size');
  const isByte = map.every((value) => value < 256); // some writers forget that the numbers have 16 bits
  const colours = new (isByte ? Uint8Array : Uint16Array)(size * 3);
  for (let at = 0; at < colours.length; at++) colours[at] = map[(at % 3) * size + Math.floor(at / 3)]!;
  const palette = await rgbInSrgb(colours, { tiff, directory, layout: { width: size, height: 1 } });
  const bytes = new Uint8Array(values.length * 4).fill(255);
  for (const [pixel, index] of values.entries()) {
    for (let channel = 0; channel < 3; channel++) bytes[pixel * 4 + channel] = palette[index * 4 + channel]!;
  }
  return { bytes, warnings: [] };
}

/** By the file's profile, if it has one for them. @param values [pixels, 3] */
async function rgbInSrgb(
  values: Uint8Array | Uint16Array,
  { tiff, directory, layout }: Pick<Source, 'tiff' | 'directory'> & { layout: Size },
): Promise<Uint8Array> {
  const profile = valueBytes(tiff, directory, tags.iccProfile);
  if (profile && profileFits(profile, 'rgb')) {
    const { width, height } = layout;
    return inSrgb({ width, height, model: 'rgb', values, profile }, tiff.name);
  }
  return rgbToRgb(values instanceof Uint16Array ? values.map((value) => value >> 8) : values);
}

/** L*, a* and b* of a stored sample. Source: TIFF 6.0, section 23; technical note on ICC Lab; ITU-T T.42 */
function fromLab({ tiff, layout, values }: Source): Coloured {
  const { bits, format, photometric } = layout;
  const [first = 8] = bits;
  if (format === 'float') return { bytes: labToRgb(values, (value) => value), warnings: [] };
  if (first !== 8 && first !== 16) {
    throw notRead(tiff.name, 'TIFF', `has Lab colours of ${first} bits`, 'save it anew with 8 or 16');
  }
  const top = 2 ** first - 1;
  const half = 2 ** (first - 1);
  const step = 2 ** (first - 8);
  const signed = (value: number): number => (value >= half ? value - 2 * half : value) / step;
  const stored: Record<number, (value: number, index: number) => number> = {
    [photometrics.cieLab]: (value, index) =>
      index === 0 ? ((value < 0 ? value + 2 * half : value) * 100) / top : signed(value),
    [photometrics.iccLab]: (value, index) => (index === 0 ? (value * 100) / (255 * step) : value / step - 128),
    [photometrics.ituLab]: (value, index) =>
      [(value * 100) / top, (value * 170) / top - 85, (value * 200) / top - 75][index]!,
  };
  return { bytes: labToRgb(values, stored[photometric]!), warnings: [] };
}

/** Source: TIFF 6.0, section 21 */
async function fromYCbCr({ tiff, directory, layout, values }: Source): Promise<Coloured> {
  if (layout.bits.slice(0, 3).some((bits) => bits !== 8)) {
    throw notRead(tiff.name, 'TIFF', 'has YCbCr colours of other than 8 bits', 'save it anew as RGB');
  }
  const [red = 0.299, green = 0.587, blue = 0.114] = numbers(tiff, directory, tags.yCbCrCoefficients);
  const stored = numbers(tiff, directory, tags.referenceBlackWhite);
  const [yLow, yHigh, bLow, bHigh, rLow, rHigh] = (stored.length >= 6 ? stored : [0, 255, 128, 255, 128, 255]) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const rgb = new Uint8ClampedArray(values.length);
  for (let at = 0; at < values.length; at += 3) {
    const y = ((values[at]! - yLow) * 255) / (yHigh - yLow);
    const cb = ((values[at + 1]! - bLow) * 127) / (bHigh - bLow);
    const cr = ((values[at + 2]! - rLow) * 127) / (rHigh - rLow);
    const r = y + cr * (2 - 2 * red);
    const b = y + cb * (2 - 2 * blue);
    rgb[at] = r;
    rgb[at + 1] = (y - blue * b - red * r) / green;
    rgb[at + 2] = b;
  }
  return { bytes: await rgbInSrgb(new Uint8Array(rgb.buffer), { tiff, directory, layout }), warnings: [] };
}
