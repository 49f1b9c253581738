import { createHash } from 'node:crypto';
import { Image, createCanvas } from '@napi-rs/canvas';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { upright } from './orientation.ts';
import { type PictureHeader, sniffPicture } from './sniff.ts';
import { type SourceOptions, readSource, sourceName } from './sources.ts';

/** A decoded picture: upright, on white, 8 bits a channel. */
export interface Picture {
  source: string;
  /** Of the source's bytes. */
  sha256: string;
  /** Pixels, after the EXIF orientation. */
  width: number;
  height: number;
  /** [height, width, 3] */
  rgb: Uint8Array;
}

/** The decoder holds 4 bytes a pixel twice: beyond this a small file could take gigabytes. */
const maxPixels = 250_000_000;
/** Skia's own limit for a surface's side. */
const maxSide = 32_767;

/**
 * Reads and decodes a picture.
 * @throws PixtralError `input` for what is missing, no picture, cut short, corrupt or too large
 */
export async function loadPicture(source: string, options: SourceOptions): Promise<Picture> {
  const name = sourceName(source);
  const bytes = await readSource(source, options);
  options.signal?.throwIfAborted();
  const header = sniffPicture(bytes, name);
  checkHeader(header, name);
  const stored = await decode(bytes, { header, name });
  const picture = upright(stored, header.orientation);
  return { source: name, sha256: createHash('sha256').update(bytes).digest('hex'), ...picture };
}

function checkHeader({ format, size, complete }: PictureHeader, name: string): void {
  if (!complete) {
    throw new PixtralError('input', `${name}: the ${format} ends before its picture does`, {
      hint: 'the file is cut short: copy or download it again',
    });
  }
  if (size) checkSize(size, name);
}

function checkSize({ width, height }: { width: number; height: number }, name: string): void {
  if (width < 1 || height < 1)
    throw new PixtralError('input', `${name}: is ${width}x${height}, expected at least one pixel`);
  if (width * height > maxPixels || Math.max(width, height) > maxSide) {
    throw new PixtralError(
      'input',
      `${name}: is ${width}x${height}, larger than ${maxPixels / 1e6} megapixels or ${maxSide} a side`,
      {
        hint: 'shrink it first; the model looks at no more than its own maximum anyway',
      },
    );
  }
}

async function decode(
  bytes: Uint8Array,
  { header, name }: { header: PictureHeader; name: string },
): Promise<{ width: number; height: number; rgb: Uint8Array }> {
  const image = new Image();
  try {
    image.src = bytes;
    await image.decode();
  } catch (cause) {
    throw new PixtralError('input', `${name}: the ${header.format} cannot be decoded: ${reasonOf(cause)}`, {
      hint: 'the file is damaged',
      cause,
    });
  }
  const { width, height } = image;
  checkSize({ width, height }, name);
  const canvas = createCanvas(width, height);
  canvas.getContext('2d').drawImage(image, 0, 0);
  return { width, height, rgb: onWhite(canvas.data(), width * height) };
}

/**
 * Premultiplied RGBA -> RGB on white. Pillow pastes with round((c*a + 255*(255-a)) / 255); that is
 * round(c*a/255), which is what the canvas stores, plus 255-a: equal to the last bit.
 */
function onWhite(premultiplied: Uint8Array, pixels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from += 4, to += 3) {
    const white = 255 - premultiplied[from + 3]!;
    rgb[to] = premultiplied[from]! + white;
    rgb[to + 1] = premultiplied[from + 1]! + white;
    rgb[to + 2] = premultiplied[from + 2]! + white;
  }
  return rgb;
}
