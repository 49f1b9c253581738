import { samplingReceipt } from '../../asking/sampling-receipt.ts';
import { callId } from '../../asking/call-id.ts';
import type { ItemEvent } from '../../asking/answerer.ts';
import type { AnswerWriter, WrittenAnswer } from './answer-writer.ts';
import type { StageClock } from '../../asking/clock.ts';
import type { Answer, AnswerCall, AskOptions, ImageReceipt } from '../../asking/events.ts';
import { formatted, isInvalid } from '../../asking/formatted.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Run } from '../../prompt/encode.ts';
import type { Decisions } from '../../asking/decisions/question.ts';
import type { DecisionPlan } from '../decisions/plan-decisions.ts';
import type { ToolCall } from '../../prompt/message.ts';
import type { AnswerPlan } from './answer-plan.ts';
import type { Guesses } from './guesses.ts';
import type { Slot } from './slots.ts';

/** A question whose prompt is known. */
export interface Planned<T> {
  item: T;
  options: AskOptions;
  runs: Run<Picture>[];
  /** What the answer is to consist of; undefined for decisions. */
  answer: AnswerPlan | undefined;
  cancel: AbortSignal | undefined;
  /** In calls of its own. */
  alone: boolean;
  /** The state of its prompt is not kept. */
  once: boolean;
  /** Asked in place of what `runs` ask. */
  decisions: { asked: Decisions; plan: DecisionPlan } | undefined;
  promptTokens: number;
  contextSize: number;
  clock: StageClock;
  /** Why it is asked a second time. */
  retried: Answer['retried'];
}

/** A question that is being answered. */
export interface InWork<T> {
  planned: Planned<T>;
  slot: Slot;
  writer: AnswerWriter;
  images: ImageReceipt[];
  /** Ids of the prompt that were not computed again. */
  reused: number;
  /** Tokens to append. */
  next: readonly number[];
  /** What may come behind them, where it is looked up. */
  guesses: Guesses | undefined;
}

/** What comes after tokens were drawn: more of them, nothing, or the same question once more. */
type Outcome<T> = 'on' | 'over' | { again: Planned<T> };

/** Draws tokens from what the sequence was last given, and behind those that were guessed right on and on. */
export async function* draw<T>(one: InWork<T>, model: string): AsyncGenerator<ItemEvent<T>, Outcome<T>> {
  const { sequence } = one.slot;
  for (;;) {
    const outcome = yield* drawOnce(one, model);
    if (outcome !== 'on') {
      sequence.dropGuesses();
      return outcome;
    }
    one.guesses?.add(one.next, sequence.context.contextSize - sequence.length - one.next.length);
    const taken = sequence.take(one.next);
    one.slot.drawn.push(...one.next.slice(0, taken));
    one.next = one.next.slice(taken);
    if (one.next.length > 0) return outcome;
  }
}

async function* drawOnce<T>(one: InWork<T>, model: string): AsyncGenerator<ItemEvent<T>, Outcome<T>> {
  const { item, options } = one.planned;
  // Whether it is what was asked for is known at its end.
  const isHeldBack = options.format !== undefined || options.onLoop === 'retry';
  try {
    const start = performance.now();
    const { text, thought, next } = one.writer.draw(one.slot.sequence);
    one.planned.clock.add('decode_ms', performance.now() - start);
    const showsThoughts = options.reasoning === 'show' && options.onLoop !== 'retry';
    if (thought !== '' && showsThoughts) yield { item, event: { kind: 'thought', text: thought } };
    if (text !== '' && !isHeldBack) yield { item, event: { kind: 'text', text } };
    if (!('finish' in next)) {
      one.next = next;
      return 'on';
    }
    const retried = reasonToRetry(one.planned, next);
    if (retried) {
      end(one);
      return { again: { ...one.planned, options: retryOptions(options), retried } };
    }
    const answer = answerOf(one, { written: next, model });
    const { reasoning } = answer;
    if (reasoning !== undefined && !showsThoughts) yield { item, event: { kind: 'thought', text: reasoning } };
    if (isHeldBack && answer.text !== '') yield { item, event: { kind: 'text', text: answer.text } };
    yield { item, event: { kind: 'answer', answer } };
    end(one);
  } catch (error) {
    yield* fail(one, error);
  }
  return 'over';
}

function reasonToRetry<T>({ options, retried }: Planned<T>, written: WrittenAnswer): Answer['retried'] {
  if (retried) return undefined;
  if (written.finish === 'loop') return options.onLoop === 'retry' ? 'loop' : undefined;
  if (written.calls.length > 0) return undefined; // they stand in place of the form
  return options.format && isInvalid(written, options.format) ? 'invalid' : undefined;
}

/** Enough to leave a loop, too little to keep a text from using its words again. */
const retryPenalty = 1.15;

/** Another seed alone would change nothing where the likeliest token is taken. */
function retryOptions(options: AskOptions): AskOptions {
  const repeatPenalty = Math.max(retryPenalty, options.repeatPenalty);
  return { ...options, seed: (options.seed + 1) % 2 ** 32, repeatPenalty };
}

/** Ends it with an error. */
export async function* fail<T>(one: InWork<T>, error: unknown): AsyncGenerator<ItemEvent<T>, void> {
  end(one);
  yield { item: one.planned.item, event: { kind: 'failed', error } };
}

/** Gives its place free. */
export function end<T>({ writer, slot, guesses }: InWork<T>): void {
  writer.close();
  guesses?.close();
  slot.inWork = false;
}

function answerOf<T>(
  { images, reused, planned: { promptTokens, clock, options, retried } }: InWork<T>,
  { written, model }: { written: WrittenAnswer; model: string },
): Answer {
  const { text, thoughts, calls, finish, stopText, length, thoughtLength, details } = written;
  const image = images.reduce((sum, { tokens }) => sum + tokens, 0);
  const answer: Answer = {
    model,
    text,
    ...(thoughts !== '' && options.reasoning === 'show' && { reasoning: thoughts }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, index) => answerCall(call, [promptTokens, options.seed, index])),
    }),
    finish,
    ...(stopText !== undefined && { stopText }),
    ...(retried && { retried }),
    images,
    usage: { prompt: promptTokens, image, completion: length, ...(thoughtLength > 0 && { reasoning: thoughtLength }) },
    reused,
    timings: clock.timings,
    sampling: samplingReceipt(options),
    ...details,
  };
  return options.format && calls.length === 0 ? formatted(answer, options.format) : answer;
}

/** Versions without ids of their own get one that is the same for the same question. */
function answerCall({ id, name, arguments: json }: ToolCall, place: readonly number[]): AnswerCall {
  return { id: id ?? callId([name, json, ...place]), type: 'function', function: { name, arguments: json } };
}
