import { damaged, notRead } from './damaged.ts';
import { boxAt } from './boxes.ts';
import { type ColourModel, inSrgb, profileFits } from './in-srgb.ts';
import { decodeJpeg2000 } from './openjpeg.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { rgbaPixels } from './raw-pixels.ts';
import { cmykToRgb, greyToRgb, multipliedOnWhite, rgbToRgb } from './rgb-bytes.ts';

const boxed = '\0\0\0\x0cjP  \r\n\x87\n';
const bare = '\xff\x4f\xff\x51';

export function isJpeg2000(bytes: Uint8Array): boolean {
  const opening = ascii(bytes, 0, 12);
  return opening === boxed || opening.startsWith(bare);
}

interface Header {
  width: number;
  height: number;
  components: number;
  /** All are of the picture's own size. */
  even: boolean;
  /** All have as many bits, with or without a sign. */
  alike: boolean;
  colours: 'srgb' | 'grey' | 'cmyk' | 'ycc' | 'profile' | 'other' | undefined;
  profile: Uint8Array | undefined;
  hasPalette: boolean;
  /** What each component is, where the file says so. */
  channels: readonly Channel[] | undefined;
}

/** The number of a colour, from 0 on, or what is none. */
type Channel = number | 'opacity' | 'multiplied opacity' | 'other';

/** How many colours each kind has. */
const colourCounts: Readonly<Record<ColourModel, number>> = { grey: 1, rgb: 3, cmyk: 4 };
/** What OpenJPEG in PDFium is asked for, one by one. */
const mostComponents = 5;

const hint = 'save it anew as PNG, for example with opj_decompress or magick';

/** Grey, red, green and blue, and inks, of whole components, with their opacity. */
export function openJpeg2000({ bytes, name }: OpenRequest): Opened {
  const header = readHeader(bytes);
  if (!header) throw damaged(name, 'JPEG 2000', cutShort);
  checkSize(header, name);
  const unread = unreadOf(header);
  if (unread) throw notRead(name, 'JPEG 2000', unread, hint);
  const isUsual = header.components === 1 || header.components === 3;
  const decoded = isUsual ? decode : decodeMore;
  return { pageCount: 1, page: () => decoded(bytes, { name, header }) };
}

function unreadOf(header: Header): string | undefined {
  const { components, even, alike, colours, hasPalette, channels } = header;
  if (hasPalette) return 'has a palette';
  if (!even) return 'has colours of fewer pixels than its brightness';
  if (!alike) return 'has components of different depths';
  if (components > mostComponents) return `has ${components} components`;
  if (colours === 'ycc') return 'has YCC colours';
  if (colours === 'other') return 'has colours of a kind that is rare';
  if (components === 1 || components === 3) return undefined;
  const model = modelOf(header);
  if (!model) return `has ${components} components and does not say what they are`;
  const count = colourCounts[model];
  if (components < count) return `has ${components} components of ${count} colours`;
  const isInOrder = channels?.slice(0, count).every((channel, index) => channel === index) ?? true;
  return isInOrder ? undefined : 'has its colours in another order';
}

/** Undefined where only the number of components tells. */
function modelOf({ colours, profile }: Header): ColourModel | undefined {
  if (colours === 'srgb') return 'rgb';
  if (colours === 'grey' || colours === 'cmyk') return colours;
  const models: readonly ColourModel[] = ['rgb', 'cmyk', 'grey'];
  return profile && models.find((model) => profileFits(profile, model));
}

/** Source: ISO/IEC 15444-1, annexes A.5.1 and I.5.3 */
function readHeader(bytes: Uint8Array): Header | undefined {
  const file = { start: 0, end: bytes.byteLength };
  const stream = ascii(bytes, 0, 12) === boxed ? boxAt(bytes, file, 'jp2c') : file;
  if (!stream || stream.start + 42 > bytes.byteLength) return undefined;
  const view = viewOf(bytes.subarray(stream.start));
  const components = view.getUint16(40);
  if (42 + components * 3 > view.byteLength) return undefined;
  const steps = Array.from({ length: components * 2 }, (_, at) => view.getUint8(42 + (at >> 1) * 3 + 1 + (at & 1)));
  const depths = Array.from({ length: components }, (_, at) => view.getUint8(42 + at * 3));
  return {
    width: view.getUint32(8) - view.getUint32(16),
    height: view.getUint32(12) - view.getUint32(20),
    components,
    even: steps.every((step) => step === 1),
    alike: depths.every((depth) => depth === depths[0]),
    ...readColours(bytes),
    hasPalette: boxAt(bytes, file, 'jp2h', 'pclr') !== undefined,
    channels: readChannels(bytes, components),
  };
}

function readColours(bytes: Uint8Array): Pick<Header, 'colours' | 'profile'> {
  const box = boxAt(bytes, { start: 0, end: bytes.byteLength }, 'jp2h', 'colr');
  if (!box || box.start + 7 > bytes.byteLength) return { colours: undefined, profile: undefined };
  const method = bytes[box.start];
  if (method !== 1) return { colours: 'profile', profile: bytes.subarray(box.start + 3, box.end) };
  const known: Readonly<Record<number, Header['colours']>> = { 12: 'cmyk', 16: 'srgb', 17: 'grey', 18: 'ycc' };
  return { colours: known[viewOf(bytes).getUint32(box.start + 3)] ?? 'other', profile: undefined };
}

/** Source: ISO/IEC 15444-1, I.5.3.6 */
function readChannels(bytes: Uint8Array, components: number): Channel[] | undefined {
  const box = boxAt(bytes, { start: 0, end: bytes.byteLength }, 'jp2h', 'cdef');
  if (!box || box.end > bytes.byteLength) return undefined;
  const view = viewOf(bytes.subarray(box.start, box.end));
  const channels = Array.from({ length: components }, (): Channel => 'other');
  for (let at = 2; at + 6 <= view.byteLength; at += 6) {
    const [index, type, colour] = [0, 2, 4].map((offset) => view.getUint16(at + offset)) as [number, number, number];
    if (index >= components) continue;
    if (type === 0 && colour > 0) channels[index] = colour - 1;
    else if (colour === 0 && (type === 1 || type === 2))
      channels[index] = type === 1 ? 'opacity' : 'multiplied opacity';
  }
  return channels;
}

/** With opacity, with what the file says nothing of, and of inks: the usual decoder gives no such picture. */
async function decodeMore(bytes: Uint8Array, { name, header }: { name: string; header: Header }): Promise<Pixels> {
  const { width, height, components, channels, profile } = header;
  const model = modelOf(header)!;
  const count = colourCounts[model];
  const all: Uint8Array[] = [];
  try {
    const { jpeg2000Component } = await import('./pdf/jpeg2000-components.ts');
    for (let index = 0; index < components; index++) {
      all.push(await jpeg2000Component(bytes, { index, count: components, size: { width, height } }));
    }
  } catch (thrown) {
    throw damaged(name, 'JPEG 2000', thrown);
  }
  const values = new Uint8Array(width * height * count);
  for (let at = 0; at < values.length; at++) values[at] = all[at % count]![Math.floor(at / count)]!;
  const rgba =
    profile && profileFits(profile, model)
      ? await inSrgb({ width, height, model, values, profile }, name)
      : { grey: greyToRgb, rgb: rgbToRgb, cmyk: cmykToRgb }[model](values);
  const opacity = channels?.findIndex((channel) => channel === 'opacity' || channel === 'multiplied opacity') ?? -1;
  if (channels?.[opacity] === 'multiplied opacity') multipliedOnWhite(rgba, all[opacity]!);
  else if (opacity >= 0) all[opacity]!.forEach((value, pixel) => (rgba[pixel * 4 + 3] = value));
  const leftOut = components - count - (opacity >= 0 ? 1 : 0);
  const warnings = leftOut > 0 ? ['has components beside its colours of which it says nothing: they are left out'] : [];
  return { ...rgbaPixels({ width, height, bytes: rgba }), warnings };
}

async function decode(bytes: Uint8Array, { name, header }: { name: string; header: Header }): Promise<Pixels> {
  const { width, height, components } = header;
  const decoded = await decodeJpeg2000(bytes).catch((thrown: unknown) => {
    throw damaged(name, 'JPEG 2000', thrown);
  });
  if (decoded.width !== width || decoded.height !== height || decoded.components !== components) {
    throw damaged(name, 'JPEG 2000', cutShort);
  }
  const model = components === 1 ? 'grey' : 'rgb';
  const values = asBytes(decoded);
  const { profile } = header;
  if (profile && profileFits(profile, model)) {
    return rgbaPixels({ width, height, bytes: await inSrgb({ width, height, model, values, profile }, name) });
  }
  return rgbaPixels({ width, height, bytes: model === 'grey' ? greyToRgb(values) : rgbToRgb(values) });
}

function asBytes({ values, bits, signed }: Awaited<ReturnType<typeof decodeJpeg2000>>): Uint8Array {
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const factor = 255 / (2 ** bits - 1);
  if (values instanceof Uint8Array && factor === 1 && !signed) return values;
  return Uint8Array.from(values, (value) => Math.round((value - low) * factor));
}
