import type { ItemEvent } from '../../asking/answerer.ts';
import type { AnswerWriter, WrittenAnswer } from './answer-writer.ts';
import type { StageClock } from '../../asking/clock.ts';
import type { Answer, AskOptions, ImageReceipt } from '../../asking/events.ts';
import { formatted } from '../../asking/formatted.ts';
import type { Slot } from './slots.ts';

/** A question that is being answered. */
export interface InWork<T> {
  item: T;
  slot: Slot;
  writer: AnswerWriter;
  clock: StageClock;
  options: AskOptions;
  images: ImageReceipt[];
  promptTokens: number;
  /** Ids of them that were not computed again. */
  reused: number;
  cancel: AbortSignal | undefined;
  /** Tokens to append. */
  next: readonly number[];
}

/** Draws a token from what the sequence was last given. Returns whether the answer goes on. */
export async function* draw<T>(one: InWork<T>, model: string): AsyncGenerator<ItemEvent<T>, boolean> {
  const { item, writer, options } = one;
  try {
    const { text, next } = writer.draw(one.slot.sequence);
    // Whether an answer of a format is what was asked for is known at its end.
    if (text !== '' && !options.format) yield { item, event: { kind: 'text', text } };
    if (!('finish' in next)) {
      one.next = next;
      return true;
    }
    const answer = answerOf(one, { written: next, model });
    if (options.format) yield { item, event: { kind: 'text', text: answer.text } };
    yield { item, event: { kind: 'answer', answer } };
    end(one);
  } catch (error) {
    yield* fail(one, error);
  }
  return false;
}

/** Ends it with an error. */
export async function* fail<T>(one: InWork<T>, error: unknown): AsyncGenerator<ItemEvent<T>, void> {
  end(one);
  yield { item: one.item, event: { kind: 'failed', error } };
}

/** Gives its place free. */
export function end<T>({ writer, slot }: InWork<T>): void {
  writer.close();
  slot.inWork = false;
}

function answerOf<T>(
  { images, promptTokens, reused, clock, options }: InWork<T>,
  { written, model }: { written: WrittenAnswer; model: string },
): Answer {
  const { text, finish, length, details } = written;
  const image = images.reduce((sum, { tokens }) => sum + tokens, 0);
  const answer: Answer = {
    model,
    text,
    finish,
    images,
    usage: { prompt: promptTokens, image, completion: length },
    reused,
    timings: clock.timings,
    sampling: samplingReceipt(options),
    ...details,
  };
  return options.format ? formatted(answer, options.format) : answer;
}

function samplingReceipt(options: AskOptions): Answer['sampling'] {
  const { temperature, topP, topK, minP, repeatPenalty, seed } = options;
  return { temperature, top_p: topP, top_k: topK, min_p: minP, repeat_penalty: repeatPenalty, seed };
}
