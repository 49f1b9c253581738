import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { GridConfig } from '../../src/image/pixels/grid.ts';
import { type Picture, loadPictures } from '../../src/image/decoder/load.ts';
import type { Pixels } from '../../src/image/pixels/patches.ts';
import { openPicture } from '../../src/image/formats/open-picture.ts';

/** Pixtral-12B's. */
export const pixtralImage: GridConfig = { patchSize: 16, maxImageSize: 1024, spatialMergeSize: 1 };

/** A file that holds one picture, as the model will see it. */
export async function loadFile(path: string, image: GridConfig = pixtralImage): Promise<Picture> {
  const [picture] = await loadPictures({ name: basename(path), bytes: await readFile(path) }, { image, maxPages: 1 });
  return picture!;
}

/** One page of a file as its decoder gives it, in this process. */
export async function decodeFile(bytes: Uint8Array, { name = 'file', page = 1 } = {}): Promise<Pixels> {
  const opened = await openPicture({ bytes, name, image: pixtralImage });
  try {
    return await opened.page(page - 1);
  } finally {
    opened.close?.();
  }
}
