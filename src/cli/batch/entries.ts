import { dirname } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { urlName } from '../../image/sources/url-name.ts';
import { type BatchEntry, type CommonQuestion, checkIds } from './entry.ts';
import { pictureEntries } from './picture-entries.ts';
import { recordEntries } from './record-entries.ts';
import { type RecordLines, bytesLines, fileLines } from './record-lines.ts';

export interface InputFlags {
  records?: string;
  null?: boolean;
}

/** All records of a job, and what has to be closed when none of them is needed any more. */
export interface BatchInput {
  entries: BatchEntry[];
  close(): Promise<void>;
}

/** @throws PixtralError `usage` for inputs that exclude each other, `input` for what cannot be read or told apart */
export async function batchInput(
  words: readonly string[],
  { flags, common, stdin }: { flags: InputFlags; common: CommonQuestion; stdin: () => Promise<Uint8Array> },
): Promise<BatchInput> {
  checkOnce(words, flags);
  if (flags.records === undefined) {
    const entries = await pictureEntries({ words, nullSeparated: flags.null === true, stdin }, common);
    checkIds(entries);
    return { entries, close: async () => {} };
  }
  const piped = flags.records === '-';
  const lines: RecordLines = piped ? bytesLines(await stdin(), 'standard input') : await fileLines(flags.records);
  try {
    const place = piped
      ? { name: 'standard input', folder: '' }
      : { name: flags.records, folder: dirname(flags.records) };
    const entries = await recordEntries(lines, { place, common });
    checkIds(entries);
    return { entries, close: () => lines.close() };
  } catch (thrown) {
    await lines.close();
    throw thrown;
  }
}

function checkOnce(words: readonly string[], flags: InputFlags): void {
  if (flags.records !== undefined && (words.length > 0 || flags.null === true)) {
    const other = words[0] === undefined ? '-0' : JSON.stringify(urlName(words[0]));
    throw new PixtralError(
      'usage',
      `--records and ${other}: records name their own pictures, expected one of the two`,
      {
        hint: 'run it once for each',
      },
    );
  }
  if (flags.null === true && words.includes('@-')) {
    throw new PixtralError('usage', '-0 and @-: both read standard input, expected one of them', {
      hint: '-0 reads paths with NUL between (find -print0), @- one a line',
    });
  }
}
