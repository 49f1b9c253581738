import { compactSchema } from '../grammar/compact-schema.ts';
import { asDraft2020 } from '../grammar/older-drafts.ts';
import type { Picture } from '../image/decoder/load.ts';
import type { Message } from '../prompt/message.ts';
import { tellSchema } from '../prompt/tell-schema.ts';
import type { TokenizerVersion } from '../tokenizer/tekken.ts';
import type { AskOptions, Question } from './events.ts';

/** The schema as the model is told it; undefined where it is not. */
export function toldForm({
  format,
  tellSchema: isTold,
}: Pick<AskOptions, 'format' | 'tellSchema'>): string | undefined {
  if (isTold !== true || format?.kind !== 'json') return undefined;
  return format.schema === undefined ? undefined : compactSchema(asDraft2020(format.schema));
}

/** A question's messages, with its schema where the model is told it. */
export function toldMessages(
  { messages, options }: Pick<Question, 'messages' | 'options'>,
  version: TokenizerVersion,
): readonly Message<Picture>[] {
  const form = toldForm(options);
  return form === undefined ? messages : tellSchema(messages, { form, version });
}
