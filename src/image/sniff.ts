import { PixtralError } from '../base/errors.ts';
import { isAvif, readAvif } from './avif.ts';
import { isBmp, readBmp } from './bmp.ts';
import { type Encoded, type Opened, ascii } from './formats.ts';
import { isGif, readGif } from './gif.ts';
import type { GridConfig } from './grid.ts';
import { isJpeg, readJpeg } from './jpeg.ts';
import { isPng, readPng } from './png.ts';
import { openWithSkia } from './skia.ts';
import { isWebp, readWebp } from './webp.ts';

const formats: readonly { is: (bytes: Uint8Array) => boolean; read: (bytes: Uint8Array) => Encoded }[] = [
  { is: isPng, read: readPng },
  { is: isJpeg, read: readJpeg },
  { is: isWebp, read: readWebp },
  { is: isGif, read: readGif },
  { is: isAvif, read: readAvif },
  { is: isBmp, read: readBmp },
];

export interface OpenRequest {
  /** For messages. */
  name: string;
  bytes: Uint8Array;
  image: GridConfig;
}

/** Tells a picture by its content, never by its name. @throws PixtralError `input` for anything else */
export async function openPicture({ bytes, name }: OpenRequest): Promise<Opened> {
  const format = formats.find(({ is }) => is(bytes));
  if (format) return openWithSkia(format.read(bytes), name);
  throw new PixtralError('input', `${name}: ${describe(bytes)}, expected a picture`, {
    hint: 'PNG, JPEG, WebP, GIF, AVIF and BMP can be read',
  });
}

const known: readonly { start: RegExp; is: string }[] = [
  { start: /^$/, is: 'is empty' },
  { start: /^%PDF/, is: 'is a PDF' },
  { start: /^(\xef\xbb\xbf)?\s*<(!--|\?xml|svg)/i, is: 'is an SVG or XML file' },
  { start: /^\s*<(!doctype html|html)/i, is: 'is a web page' },
  { start: /^.{4}ftyp(hei|hev|mif|msf)/s, is: 'is a HEIC picture' },
  { start: /^.{4}ftyp/s, is: 'is a film' },
  { start: /^(II\*\0|MM\0\*)/, is: 'is a TIFF picture' },
  { start: /^PK[^ -~]/, is: 'is a ZIP file' },
  { start: /^GGUF/, is: 'is a GGUF model' },
  { start: /^[\t\n\r\x20-\x7e\x80-\xff]*$/, is: 'is a text file' },
];

function describe(bytes: Uint8Array): string {
  const opening = ascii(bytes, 0, 64);
  return known.find(({ start }) => start.test(opening))?.is ?? 'is no picture that is known here';
}
