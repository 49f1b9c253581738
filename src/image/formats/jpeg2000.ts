import { damaged, notRead } from './damaged.ts';
import { boxAt } from './boxes.ts';
import { inSrgb, profileFits } from './in-srgb.ts';
import { decodeJpeg2000 } from './openjpeg.ts';
import { type OpenRequest, type Opened, ascii, cutShort, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { rgbaPixels } from './raw-pixels.ts';
import { greyToRgb, rgbToRgb } from './rgb-bytes.ts';

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
  colours: 'srgb' | 'grey' | 'ycc' | 'profile' | 'other' | undefined;
  profile: Uint8Array | undefined;
  hasPalette: boolean;
}

const hint = 'save it anew as PNG, for example with opj_decompress or magick';

/** Grey, and red, green and blue, of whole components. */
export function openJpeg2000({ bytes, name }: OpenRequest): Opened {
  const header = readHeader(bytes);
  if (!header) throw damaged(name, 'JPEG 2000', cutShort);
  checkSize(header, name);
  const unread = unreadOf(header);
  if (unread) throw notRead(name, 'JPEG 2000', unread, hint);
  return { pageCount: 1, page: () => decode(bytes, { name, header }) };
}

function unreadOf({ components, even, colours, hasPalette }: Header): string | undefined {
  if (hasPalette) return 'has a palette';
  if (!even) return 'has colours of fewer pixels than its brightness';
  if (components !== 1 && components !== 3) return `has ${components} components`;
  if (colours === 'ycc') return 'has YCC colours';
  return colours === 'other' ? 'has colours of a kind that is rare' : undefined;
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
  return {
    width: view.getUint32(8) - view.getUint32(16),
    height: view.getUint32(12) - view.getUint32(20),
    components,
    even: steps.every((step) => step === 1),
    ...readColours(bytes),
    hasPalette: boxAt(bytes, file, 'jp2h', 'pclr') !== undefined,
  };
}

function readColours(bytes: Uint8Array): Pick<Header, 'colours' | 'profile'> {
  const box = boxAt(bytes, { start: 0, end: bytes.byteLength }, 'jp2h', 'colr');
  if (!box || box.start + 7 > bytes.byteLength) return { colours: undefined, profile: undefined };
  const method = bytes[box.start];
  if (method !== 1) return { colours: 'profile', profile: bytes.subarray(box.start + 3, box.end) };
  const known: Readonly<Record<number, Header['colours']>> = { 16: 'srgb', 17: 'grey', 18: 'ycc' };
  return { colours: known[viewOf(bytes).getUint32(box.start + 3)] ?? 'other', profile: undefined };
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
