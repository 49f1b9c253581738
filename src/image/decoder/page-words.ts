import { isPdf } from '../formats/pdf/is-pdf.ts';
import { type LoadOptions, loadPictures } from './load.ts';

/** The words in one page, of at most as many characters as a picture's `text`. */
export interface PageWords {
  /** 1-based, only where the source holds several. */
  page: number | undefined;
  text: string;
}

/** Only the words count: pages are drawn no larger than a token. */
const stamp = { patchSize: 16, maxImageSize: 16, spatialMergeSize: 1 };

/**
 * The text layers of the selected pages, without the pages that have none.
 * @throws PixtralError as loadPictures does, for a PDF
 */
export async function pageWords(
  file: { name: string; bytes: Uint8Array },
  options: Pick<LoadOptions, 'selection' | 'maxPages' | 'signal'>,
): Promise<PageWords[]> {
  if (!isPdf(file.bytes)) return [];
  const pictures = await loadPictures(file, { ...options, image: stamp, text: true });
  return pictures.flatMap(({ page, text }) => (text === undefined ? [] : [{ page, text }]));
}
