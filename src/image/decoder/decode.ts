import { type Crop, cropped } from '../pixels/crop.ts';
import type { Grid } from '../pixels/grid.ts';
import type { Kernel } from '../pixels/kernel.ts';
import { checkSize } from './limits.ts';
import { type Patches, picturePatches } from '../pixels/patches.ts';
import { seenPng } from '../pixels/seen-png.ts';
import { selectedPages } from '../sources/selected-pages.ts';
import type { Selection } from '../sources/selection.ts';
import { openPicture } from '../formats/open-picture.ts';
import type { OpenRequest } from '../formats/opened.ts';

export interface DecodeRequest extends OpenRequest {
  selection: Selection | undefined;
  /** Parts of every page, each a picture of its own; undefined: all of it. */
  crops: readonly Crop[] | undefined;
  /** More are refused. */
  maxPages: number;
  /** What the tower is given, by default, or the same in whole steps of 0 to 255, as a file. */
  form?: PictureForm | undefined;
}

export type PictureForm = 'patches' | 'png';

export interface DecodedPage {
  /** 1-based; undefined when the source can hold only one. */
  page: number | undefined;
  crop: Crop | undefined;
  /** It has no pixels of its own. */
  drawn: boolean;
  /** What is not shown as it is. */
  warnings: readonly string[];
  /** The words in it, where they were asked for; empty when it has none. */
  text: string | undefined;
  /** Pixels, upright, of the part that was asked for. */
  width: number;
  height: number;
  grid: Grid;
  /** As picturePatches gives them, valid until the next page is asked for; none where a PNG was asked for. */
  patches: Float32Array;
  /** A file of exactly the grid's size; empty where patches were asked for. */
  png: Uint8Array;
}

/** What is to be known and said while pages are decoded. */
export interface PageTurns {
  /** The pages that were asked for, 1-based, before the first of them is decoded. */
  onOpened(pages: readonly number[]): Promise<void>;
  /** Whether so many of them are still wanted from here. */
  isWanted(index: number): boolean;
}

/** Decodes and resizes page by page. @throws PixtralError `input` for what is no picture, damaged or over a limit */
export async function* decodePages(
  request: DecodeRequest,
  { turns, kernel }: { turns: PageTurns; kernel: Kernel },
): AsyncGenerator<DecodedPage, void> {
  const { name, crops, image } = request;
  const opened = await openPicture(request);
  try {
    const { pageCount, drawn = false } = opened;
    const pages = selectedPages(request.selection, { name, pageCount, maxPages: request.maxPages });
    await turns.onOpened(pages);
    for (const [index, page] of pages.entries()) {
      if (!turns.isWanted(index)) return;
      const pixels = await opened.page(page - 1);
      const warnings = [...(pixels.warnings ?? [])];
      const text = request.text ? (pixels.text ?? '') : undefined;
      if (text === '') warnings.push('has no text layer: only its picture is given');
      checkSize(pixels, name);
      for (const crop of crops ?? [undefined]) {
        const part = crop ? cropped(pixels, crop, name) : pixels;
        checkSize(part, name);
        const patches = picturePatches(part, image, kernel);
        const { width, height } = part;
        yield {
          page: pageCount > 1 ? page : undefined,
          crop,
          drawn,
          warnings,
          text,
          width,
          height,
          grid: patches.grid,
          ...(await inForm(patches, { ...request, kernel })),
        };
      }
    }
  } finally {
    opened.close?.();
  }
}

async function inForm(
  patches: Patches,
  { form, image, kernel }: Pick<DecodeRequest, 'form' | 'image'> & { kernel: Kernel },
): Promise<Pick<DecodedPage, 'patches' | 'png'>> {
  if (form !== 'png') return { patches: patches.values, png: new Uint8Array() };
  return { patches: new Float32Array(), png: await seenPng(patches, image, kernel) };
}
