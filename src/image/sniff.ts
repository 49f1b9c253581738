import { PixtralError } from '../base/errors.ts';
import { openApng } from './apng.ts';
import { isAvif, readAvif } from './avif.ts';
import { isBmp, readBmp } from './bmp.ts';
import { type Opened, ascii } from './formats.ts';
import { isGif, openGif } from './gif.ts';
import type { GridConfig } from './grid.ts';
import { isHeic, openHeic } from './heic.ts';
import { isIco, readIco } from './ico.ts';
import { isJpeg, readJpeg } from './jpeg.ts';
import { isPdf, openPdf } from './pdf.ts';
import { isPng, readPng } from './png.ts';
import { openWithSkia } from './skia.ts';
import { isSvg, openSvg } from './svg.ts';
import { isTiff } from './tiff.ts';
import { openWithVips } from './vips.ts';
import { isWebp, readWebp } from './webp.ts';

export interface OpenRequest {
  /** For messages. */
  name: string;
  bytes: Uint8Array;
  image: GridConfig;
  /** Longer side of what is drawn to scale; as large as the model looks at it by default. */
  drawSize?: number | undefined;
}

/** The strict marks first: icons have next to none, and a PDF's may stand further down. */
const formats: readonly {
  is: (bytes: Uint8Array) => boolean;
  open: (request: OpenRequest) => Opened | Promise<Opened>;
}[] = [
  { is: isPng, open: openPng },
  { is: isJpeg, open: openJpeg },
  { is: isWebp, open: openWebp },
  { is: isGif, open: openGif },
  { is: isAvif, open: ({ bytes, name }) => openWithSkia(readAvif(bytes), name) },
  { is: isHeic, open: openHeic },
  { is: isTiff, open: ({ bytes, name }) => openWithVips({ bytes, name, format: 'TIFF' }) },
  { is: isBmp, open: ({ bytes, name }) => openWithSkia(readBmp(bytes), name) },
  { is: isSvg, open: openSvg },
  { is: isPdf, open: openPdf },
  { is: isIco, open: ({ bytes, name }) => openWithSkia(readIco(bytes), name) },
];

/** Tells a picture by its content, never by its name. @throws PixtralError `input` for anything else */
export async function openPicture(request: OpenRequest): Promise<Opened> {
  const { name, bytes } = request;
  const format = formats.find(({ is }) => is(bytes));
  if (format) return format.open(request);
  throw new PixtralError('input', `${name}: ${describe(bytes)}, expected a picture`, {
    hint: 'PNG, JPEG, WebP, GIF, AVIF, HEIC, TIFF, BMP, ICO, SVG and PDF can be read',
  });
}

function openPng({ bytes, name }: OpenRequest): Opened {
  const png = readPng(bytes);
  const still = openWithSkia(png, name);
  return png.animated ? openApng(bytes, { name, orientation: png.orientation }) : still;
}

/** Skia's conversion from a press's inks is coarse: up to 23 of 255 from LittleCMS's. */
function openJpeg({ bytes, name }: OpenRequest): Opened | Promise<Opened> {
  const jpeg = readJpeg(bytes);
  const skia = openWithSkia(jpeg, name);
  return jpeg.channels === 4 && jpeg.profile ? openWithVips({ bytes, name, format: 'JPEG' }) : skia;
}

function openWebp({ bytes, name }: OpenRequest): Opened | Promise<Opened> {
  const webp = readWebp(bytes);
  const still = openWithSkia(webp, name);
  return webp.animated ? openWithVips({ bytes, name, format: 'WebP' }) : still;
}

const known: readonly { start: RegExp; is: string }[] = [
  { start: /^$/, is: 'is empty' },
  { start: /^\s*<(!doctype html|html)/i, is: 'is a web page' },
  { start: /^(\xef\xbb\xbf)?\s*<(!--|\?xml)/i, is: 'is an XML file without a drawing' },
  { start: /^.{4}ftyp/s, is: 'is a film' },
  { start: /^PK[^ -~]/, is: 'is a ZIP file' },
  { start: /^GGUF/, is: 'is a GGUF model' },
  { start: /^[\t\n\r\x20-\x7e\x80-\xff]*$/, is: 'is a text file' },
];

function describe(bytes: Uint8Array): string {
  const opening = ascii(bytes, 0, 64);
  return known.find(({ start }) => start.test(opening))?.is ?? 'is no picture that is known here';
}
