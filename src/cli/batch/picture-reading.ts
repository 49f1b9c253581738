import { pageWords } from '../../image/decoder/page-words.ts';
import { type Source, readSource } from '../../image/sources/sources.ts';
import type { pictureSettings } from '../picture-flags.ts';
import type { CommonQuestion } from './entry.ts';

/** What templates take from pictures themselves. */
export function pictureReading(
  settings: ReturnType<typeof pictureSettings>,
): Pick<CommonQuestion, 'readPicture' | 'readWords'> {
  const readPicture = (source: Source): Promise<Uint8Array> => readSource(source, settings);
  return {
    readPicture,
    readWords: async (source) =>
      pageWords({ name: source.name, bytes: await readPicture(source) }, { ...settings, selection: source.selection }),
  };
}
