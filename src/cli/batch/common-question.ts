import { formatMemo } from '../../wires/format-memo.ts';
import { type FormatFlags, answerFormat } from '../format-options.ts';
import { freeText } from '../free-text.ts';
import type { Io } from '../io.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import type { CommonQuestion } from './entry.ts';
import { pictureReading } from './picture-reading.ts';

type SamplingFlags = Parameters<typeof freeText>[0];

export interface QuestionFlags extends SamplingFlags, PictureFlags, FormatFlags {
  prompt?: string;
  system?: string;
}

/** What the flags of `batch` say for every record. */
export async function commonQuestion(
  flags: QuestionFlags,
  { io, stdin }: { io: Io; stdin: () => Promise<Uint8Array> },
): Promise<CommonQuestion> {
  const { prompt, system, detail, stop, logprobs } = flags;
  const format = await answerFormat({ ...flags, json: true }); // lines always are
  const settings = pictureSettings(flags, { io, stdin });
  return {
    prompt,
    system,
    detail,
    formats: formatMemo(),
    options: { ...freeText(flags), stop, format, logprobs },
    ...pictureReading(settings),
  };
}
