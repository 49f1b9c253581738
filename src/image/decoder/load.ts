import { webcrypto } from 'node:crypto';
import type { Crop } from '../pixels/crop.ts';
import type { PictureForm } from './decode.ts';
import { sharedDecoders } from './decoder-pool.ts';
import type { Grid, GridConfig } from '../pixels/grid.ts';
import type { Selection } from '../sources/selection.ts';

/** One picture as the model will see it. */
export interface Picture {
  source: string;
  /** 1-based, only where the source holds several. */
  page?: number;
  /** Of the source's bytes. */
  sha256: string;
  /** The part that was asked for, of the original, upright. */
  crop?: Crop;
  /** It was drawn to scale: more can be seen by drawing it larger. */
  drawn?: true;
  /** What is not shown as it is, in whole sentences. */
  warnings?: readonly string[];
  /** The words in it, where they were asked for and it has any. */
  text?: string;
  /** Original pixels, upright; of the crop where one was asked for. */
  width: number;
  height: number;
  grid: Grid;
  /** Normalised, in the order of picturePatches: [rows * columns * merge^2, 3 * patch * patch]; none beside `png`. */
  patches: Float32Array;
  /** The same in whole steps of 0 to 255, as a file of exactly the grid's size, where that was asked for. */
  png?: Uint8Array;
  /** What reading and resizing took. */
  milliseconds: number;
}

export interface LoadOptions {
  /** The model's. */
  image: GridConfig;
  selection?: Selection | undefined;
  /** Parts of every page, each a picture of its own; all of it by default. */
  crops?: readonly Crop[] | undefined;
  /** Longer side of what is drawn to scale; the model's maximum by default. */
  drawSize?: number | undefined;
  /** The words in pages are wanted beside their pixels. */
  text?: boolean | undefined;
  /** Pages or frames of one source; more are refused. */
  maxPages: number;
  /** `patches` by default. */
  form?: PictureForm | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Reads, decodes and resizes every selected page of one source, whose hash is made where it is not known.
 * @throws PixtralError `input` for what is no picture, cut short, corrupt, over a limit, or the end of its decoder
 */
export async function loadPictures(
  { name, bytes, sha256: known }: { name: string; bytes: Uint8Array; sha256?: string },
  { image, selection, crops, drawSize, text, maxPages, form, signal }: LoadOptions,
): Promise<Picture[]> {
  const start = performance.now();
  const request = { name, bytes, image, selection, crops, drawSize, text, maxPages, form };
  const decoding = sharedDecoders().decode(request, signal);
  const [pages, sha256] = await Promise.all([decoding, known ?? sha256Of(bytes)]);
  const milliseconds = (performance.now() - start) / pages.length;
  return pages.map(({ page, crop, drawn, warnings, text: words, png, ...decoded }) => ({
    source: name,
    ...(page !== undefined && { page }),
    ...(crop && { crop }),
    ...(drawn && { drawn }),
    ...(warnings.length > 0 && { warnings }),
    ...(words && { text: words }),
    sha256,
    ...(png.byteLength > 0 && { png }),
    ...decoded,
    milliseconds,
  }));
}

/** On another thread: this one is to hand over and take in what is decoded meanwhile. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
