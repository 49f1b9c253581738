import { createHash } from 'node:crypto';
import { PixtralError } from '../base/errors.ts';
import { decodePicture } from './decode.ts';
import type { Encoded, Size } from './formats.ts';
import type { Pixels } from './patches.ts';
import { sniffPicture } from './sniff.ts';
import { type SourceOptions, readSource, sourceName } from './sources.ts';

/** A decoded picture: upright, on white, 8 bits a channel. `width` and `height` are those after the EXIF orientation. */
export interface Picture extends Pixels {
  source: string;
  /** Of the source's bytes. */
  sha256: string;
}

/** The decoder holds 4 bytes a pixel: beyond this a small file could take gigabytes. */
const maxPixels = 250_000_000;
/** Skia's own limit for a surface's side. */
const maxSide = 32_767;
/** From 2048 on the shorter side would be less than half a pixel of the 1024 that the model sees of the longer. */
const maxRatio = 2000;

/**
 * Reads and decodes a picture.
 * @throws PixtralError `input` for what is missing, no picture, cut short, corrupt, too large or too narrow
 */
export async function loadPicture(source: string, options: SourceOptions): Promise<Picture> {
  const name = sourceName(source);
  const bytes = await readSource(source, options);
  options.signal?.throwIfAborted();
  const encoded = sniffPicture(bytes, name);
  checkWhole(encoded, name);
  if (encoded.size) checkSize(encoded.size, name);
  const decoding = decodePicture(encoded, name);
  const sha256 = createHash('sha256').update(bytes).digest('hex'); // while another thread decodes
  const pixels = await decoding;
  checkSize(pixels, name);
  return { source: name, sha256, ...pixels };
}

function checkWhole({ format, damage }: Encoded, name: string): void {
  if (damage === undefined) return;
  throw new PixtralError('input', `${name}: the ${format} ${damage}`, {
    hint: 'the file is damaged: copy or download it again',
  });
}

function checkSize({ width, height }: Size, name: string): void {
  const [shorter, longer] = width < height ? [width, height] : [height, width];
  if (shorter < 1) throw new PixtralError('input', `${name}: is ${width}x${height}, expected at least one pixel`);
  if (width * height > maxPixels || longer > maxSide) {
    throw new PixtralError(
      'input',
      `${name}: is ${width}x${height}, expected at most ${maxPixels / 1e6} megapixels and ${maxSide} a side`,
      { hint: 'shrink it first; the model looks at no more than its own maximum anyway' },
    );
  }
  if (longer > shorter * maxRatio) {
    throw new PixtralError(
      'input',
      `${name}: ${width}x${height} is too narrow, expected the longer side to be at most ${maxRatio} times the shorter`,
      { hint: 'crop it' },
    );
  }
}
