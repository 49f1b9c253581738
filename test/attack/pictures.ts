/**
 * Pictures of every format that were changed at random, decoded as `ask` does:
 *
 *   npm run attack:pictures -- --count 1000 --seed 1
 *
 * A decoder that crashes, is ended for its time or memory, or fails is a finding; `fuzz:pictures` keeps the files.
 */
import { readFile } from 'node:fs/promises';
import { PixtralError } from '../../src/base/errors.ts';
import { DecoderProcess } from '../../src/image/decoder/decoder-process.ts';
import { changed } from '../fuzz/mutate.ts';
import { imageNames, imagePath } from '../helpers/corpus.ts';
import { type Attempts, attack } from './attempts.ts';
import { oneOf } from './hostile-values.ts';

const image = { patchSize: 16, maxImageSize: 64, spatialMergeSize: 1 };
const notOurs = /its decoder crashed|is not decoded after|takes more than/;

await attack(import.meta.url, async (): Promise<Attempts> => {
  const files = await Promise.all(imageNames().map(async (name) => ({ name, bytes: await readFile(imagePath(name)) })));
  const entry = new URL('../../src/image/decoder/decoder-entry.ts', import.meta.url);
  const decoder = new DecoderProcess({ entry, limits: { milliseconds: 9000, maxBytes: 2 ** 30 } });
  const rest = { image, selection: undefined, crops: undefined, maxPages: 30 };
  return {
    async attempt(random) {
      const { name, bytes } = oneOf(files, random);
      const mutant = changed(bytes, { other: oneOf(files, random).bytes, random });
      try {
        await decoder.decode({ name, bytes: mutant, ...rest }, undefined);
        return { answered: 1, refused: 0 };
      } catch (thrown) {
        const says = thrown instanceof Error ? `${thrown.message}: ${String(thrown.cause)}` : String(thrown);
        const isOurs = thrown instanceof PixtralError && thrown.code === 'input' && !notOurs.test(says);
        return isOurs ? { answered: 0, refused: 1 } : { answered: 0, refused: 0, wrong: says };
      }
    },
    close: async () => decoder.close(),
  };
});
