import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { PixtralError } from '../../src/base/errors.ts';
import { type Picture, loadPictures } from '../../src/image/decoder/load.ts';
import { type Rgb, seenPixels } from '../../src/image/pixels/seen.ts';
import { pixtralImage } from '../helpers/pictures.ts';

/** What the product makes of a file: its pages, or why not. */
export type Ours =
  | { kind: 'shown'; pages: OurPage[]; pageCount: number }
  | { kind: 'refused'; message: string; hint: string | undefined }
  | { kind: 'failed'; message: string };

export interface OurPage extends Rgb {
  /** 0-based. */
  index: number;
  drawn: boolean;
  /** The pixels are those of the file; false: only what the model sees of them was kept. */
  native: boolean;
  warnings: readonly string[];
}

/** Beyond this a picture is compared as the model sees it: its own pixels would take twelve bytes each. */
const maxNativePixels = 40_000_000;
/** A grid of single pixels: the resize to it changes nothing, so that patches are the picture's own pixels. */
const nativeImage = { patchSize: 1, maxImageSize: 32_767, spatialMergeSize: 1 };

/** Through the decoder's process, as a command does it. */
export async function ours(path: string, { maxPages }: { maxPages: number }): Promise<Ours> {
  const file = { name: basename(path), bytes: await readFile(path) };
  try {
    const { pictures, pageCount } = await firstPages(file, maxPages);
    const pages: OurPage[] = [];
    for (const [index, picture] of pictures.entries()) pages.push(await pageOf(file, { picture, index, pageCount }));
    return { kind: 'shown', pages, pageCount };
  } catch (thrown) {
    if (thrown instanceof PixtralError) return { kind: 'refused', message: thrown.message, hint: thrown.hint };
    return { kind: 'failed', message: thrown instanceof Error ? `${thrown.message}: ${String(thrown.cause)}` : '' };
  }
}

type File = Parameters<typeof loadPictures>[0];

async function firstPages(file: File, maxPages: number): Promise<{ pictures: Picture[]; pageCount: number }> {
  try {
    const pictures = await loadPictures(file, { image: pixtralImage, maxPages });
    return { pictures, pageCount: pictures.length };
  } catch (thrown) {
    const [, count] = /: (\d+) pages to read/.exec(thrown instanceof PixtralError ? thrown.message : '') ?? [];
    if (count === undefined) throw thrown;
    const selection = { kind: 'pages', ranges: [[1, maxPages]] } as const;
    return {
      pictures: await loadPictures(file, { image: pixtralImage, maxPages, selection }),
      pageCount: Number(count),
    };
  }
}

async function pageOf(
  file: File,
  { picture, index, pageCount }: { picture: Picture; index: number; pageCount: number },
): Promise<OurPage> {
  const { drawn = false, warnings = [], width, height } = picture;
  const page = { index, drawn, warnings };
  if (width * height > maxNativePixels) {
    return { ...page, native: false, ...seenPixels(picture, pixtralImage) };
  }
  const selection = pageCount > 1 ? ({ kind: 'pages', ranges: [[index + 1, index + 1]] } as const) : undefined;
  const drawSize = pixtralImage.maxImageSize;
  const [native] = await loadPictures(file, { image: nativeImage, selection, drawSize, maxPages: 1 });
  return { ...page, native: true, ...seenPixels(native!, nativeImage) };
}
