import type { Trace } from '../../base/trace.ts';
import type { GridConfig } from '../../image/pixels/grid.ts';
import type { PictureForm } from '../../image/decoder/decode.ts';
import { type LoadOptions, type Picture, loadPictures } from '../../image/decoder/load.ts';
import type { PreparedPictures } from '../../image/decoder/prepared-pictures.ts';
import type { Selection } from '../../image/sources/selection.ts';
import { type ReadOptions, type Source, readSource } from '../../image/sources/sources.ts';
import { planTiles } from '../../image/pixels/tiles.ts';
import type { Chunk } from '../../prompt/message.ts';

/** `full`: as much as the model can see at once; `tiles`: that, and then parts at full resolution. */
export type Detail = 'full' | 'low' | 'tiles';

/** `beside`: each page's follow its picture; `filled`: a template has put them into the prompt. */
export type TextUse = 'none' | 'beside' | 'filled';

export interface PictureOptions extends ReadOptions {
  /** The model's. */
  image: GridConfig;
  detail: Detail;
  maxTiles: number;
  /** Where the words in the pages of a PDF stand. */
  text: TextUse;
  /** Pages or frames of one source. */
  maxPages: number;
  form?: PictureForm | undefined;
  /** Files that came before are in it. */
  prepared?: PreparedPictures | undefined;
  trace?: Trace | undefined;
}

/** Pixels of the longer side with `--detail low`. */
const lowImageSize = 512;

/**
 * For tiles, what has no pixels of its own is drawn so many times larger than the model sees at once: a page of A4 at
 * 230 dots an inch, in six parts.
 */
const drawnTimes = 2.7;

interface NamedBytes {
  name: string;
  bytes: Uint8Array;
}

/** What one source becomes in a prompt: an image for each of its pages, or several with a sentence of context each. */
export async function* pictureChunks(source: Source, options: PictureOptions): AsyncGenerator<Chunk<Picture>, void> {
  const file = { name: source.name, bytes: await readSource(source, options) };
  const text = options.text !== 'none';
  const load = { ...options, image: detailConfig(options), selection: source.selection, text };
  for (const picture of await loaded(file, load)) {
    const tiles = options.detail === 'tiles' ? await loadTiles(file, picture, options) : [];
    const [overview, part] =
      picture.page === undefined ? ['the picture', 'Part'] : [`page ${picture.page}`, `Page ${picture.page}, part`];
    if (tiles.length > 0) yield { kind: 'text', text: `Overview of ${overview}:` };
    yield { kind: 'image', image: picture };
    for (const [index, { position, tile }] of tiles.entries()) {
      yield { kind: 'text', text: `${part} ${index + 1} of ${tiles.length}, ${position}:` };
      yield { kind: 'image', image: tile };
    }
    if (picture.text !== undefined && options.text === 'beside') {
      yield { kind: 'text', text: `Text of ${overview}:\n${picture.text}` };
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

async function loadTiles(
  file: NamedBytes,
  { page, drawn, ...seen }: Picture,
  options: PictureOptions,
): Promise<{ position: string; tile: Picture }[]> {
  const selection: Selection | undefined = page === undefined ? undefined : { kind: 'pages', ranges: [[page, page]] };
  const load = { ...options, text: false, selection, drawSize: Math.round(options.image.maxImageSize * drawnTimes) };
  const whole = drawn ? (await loaded(file, load))[0] : seen;
  const tiles = whole ? planTiles(whole, options) : [];
  if (tiles.length === 0) return [];
  const parts = await loaded(file, { ...load, crops: tiles.map(({ crop }) => crop) });
  return parts.map((tile, index) => ({ position: tiles[index]!.position, tile }));
}

async function loaded(file: NamedBytes, load: LoadOptions & Pick<PictureOptions, 'prepared'>): Promise<Picture[]> {
  return load.prepared ? load.prepared.load(file, load) : loadPictures(file, load);
}
