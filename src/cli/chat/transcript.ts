import { isAbsolute, resolve } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import type { Picture } from '../../image/decoder/load.ts';
import { selectionText } from '../../image/sources/selection.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { ChatFlags } from './chat.ts';
import { type Part, type Session, picturesOf, seenOf } from './session.ts';

/** What only a chat knows of its transcript, beside the request. */
export interface ChatNotes {
  version: 1;
  /** To the last question. */
  answer: string;
  /** Answers that Ctrl-C ended, from 1. */
  interrupted: number[];
  /** Each picture's bytes when it was attached. */
  sha256: string[];
}

type TranscriptFlags = Pick<
  ChatFlags,
  'maxTokens' | 'temperature' | 'topP' | 'topK' | 'minP' | 'repeatPenalty' | 'stop' | 'detail'
>;

/**
 * A conversation as one line of the input of OpenAI's Batch API, which `batch --records` and `ask --messages` read: it
 * asks the last question again. The last answer stands beside it.
 * @throws PixtralError `usage` for a conversation without an answer
 */
export function transcriptLine(
  session: Session,
  { model, flags, seed }: { model: string; flags: TranscriptFlags; seed: number | undefined },
): string {
  const { turns, system, schema } = session;
  const last = turns.at(-1);
  if (!last) throw new PixtralError('usage', 'the conversation has no answer yet, expected one to save');
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    ...turns.flatMap(({ question, answer }) => [
      { role: 'user', content: contentOf(question, flags.detail) },
      { role: 'assistant', content: answer.text },
    ]),
  ].slice(0, -1);
  const body = {
    model,
    messages,
    ...samplingOf(flags),
    ...(seed !== undefined && { seed }),
    ...(flags.stop.length > 0 && { stop: flags.stop }),
    ...(schema && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: JSON.parse(schema.text) as object },
      },
    }),
  };
  const chat: ChatNotes = {
    version: 1,
    answer: last.answer.text,
    interrupted: turns.flatMap(({ answer }, index) => (answer.interrupted ? [index + 1] : [])),
    sha256: turns.flatMap(({ question }) => picturesOf(question).map((picture) => sha256Of(seenOf(picture)))),
  };
  return `${JSON.stringify({ custom_id: 'chat', method: 'POST', url: '/v1/chat/completions', body, chat })}\n`;
}

export function sha256Of(pictures: readonly Picture[]): string {
  return pictures[0]?.sha256 ?? '';
}

function samplingOf({ maxTokens, temperature, topP, topK, minP, repeatPenalty }: TranscriptFlags) {
  return {
    max_tokens: maxTokens,
    temperature,
    top_p: topP,
    top_k: topK,
    min_p: minP,
    repeat_penalty: repeatPenalty,
  };
}

function contentOf(question: readonly Part[], detail: ChatFlags['detail']) {
  return question.map((part) =>
    part.kind === 'text'
      ? { type: 'text', text: part.text }
      : {
          type: 'image_url',
          image_url: { url: urlOf(part.picture.source), ...(detail === 'low' && { detail }) },
        },
  );
}

/** As records name it, wherever the transcript may lie. */
function urlOf({ kind, at, selection }: Source): string {
  const whole = kind === 'path' && !isAbsolute(at) ? resolve(at) : at;
  return selection === undefined ? whole : `${whole}#${selectionText(selection)}`;
}
