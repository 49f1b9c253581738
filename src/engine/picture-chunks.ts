import type { GridConfig } from '../image/grid.ts';
import { type LoadOptions, type Picture, loadPictures } from '../image/load.ts';
import type { Selection } from '../image/selection.ts';
import { type ReadOptions, type Source, readSource } from '../image/sources.ts';
import { type Tile, planTiles } from '../image/tiles.ts';
import type { Chunk } from '../prompt/message.ts';

/** `full`: as much as the model can see at once; `tiles`: that, and then parts at full resolution. */
export type Detail = 'full' | 'low' | 'tiles';

export interface PictureOptions extends ReadOptions {
  /** The model's. */
  image: GridConfig;
  detail: Detail;
  maxTiles: number;
  /** Pages or frames of one source. */
  maxPages: number;
}

/** Pixels of the longer side with `--detail low`. */
const lowImageSize = 512;

/** What one source becomes in a prompt: an image for each of its pages, or several with a sentence of context each. */
export async function* pictureChunks(source: Source, options: PictureOptions): AsyncGenerator<Chunk<Picture>, void> {
  const file = { name: source.name, bytes: await readSource(source, options) };
  const load = { ...options, image: detailConfig(options), selection: source.selection };
  for (const picture of await loadPictures(file, load)) {
    const tiles = options.detail === 'tiles' ? planTiles(picture, options) : [];
    if (tiles.length > 0) yield { kind: 'text', text: 'Overview of the whole picture:' };
    yield { kind: 'image', image: picture };
    for (const [index, tile] of tiles.entries()) {
      yield { kind: 'text', text: `Part ${index + 1} of ${tiles.length}, ${tile.position}:` };
      yield { kind: 'image', image: await loadTile(file, { load, picture, tile }) };
    }
  }
}

/** A low picture is at most 512 pixels after the resize too, where a token's side does not divide them. */
function detailConfig({ image, detail }: PictureOptions): GridConfig {
  if (detail !== 'low') return image;
  const side = image.patchSize * image.spatialMergeSize;
  const maxImageSize = Math.max(side, Math.floor(lowImageSize / side) * side);
  return { ...image, maxImageSize: Math.min(image.maxImageSize, maxImageSize) };
}

async function loadTile(
  file: { name: string; bytes: Uint8Array },
  { load, picture, tile }: { load: LoadOptions; picture: Picture; tile: Tile },
): Promise<Picture> {
  const { page } = picture;
  const selection: Selection | undefined = page === undefined ? undefined : { kind: 'pages', ranges: [[page, page]] };
  const [part] = await loadPictures(file, { ...load, selection, crop: tile.crop });
  if (!part) throw new Error(`${file.name}: gave no picture for a part of it`);
  return part;
}
