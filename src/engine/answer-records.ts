import { PixtralError } from '../base/errors.ts';
import { oneAhead } from '../base/one-ahead.ts';
import type { Picture } from '../image/load.ts';
import type { Message } from '../prompt/message.ts';
import type { Engine } from './engine.ts';
import type { Answer, EngineEvent } from './events.ts';
import { loadMessages } from './message-pictures.ts';
import type { PictureOptions } from './picture-chunks.ts';
import { type RecordQuestion, recordHash } from './record-hash.ts';

/** One line of work: what it asks is found out just before its turn. */
export interface RecordTask {
  question(): Promise<RecordQuestion>;
}

export type RecordOutcome =
  | { kind: 'skipped' }
  | { kind: 'answered'; hash: string; answer: Answer }
  /** `hash` is undefined when not even the question could be made out. */
  | { kind: 'failed'; hash: string | undefined; error: unknown };

export interface AnswerRecordsOptions<T> {
  engine: Engine;
  /** Of what all records share. */
  job: string;
  pictures: Omit<PictureOptions, 'image' | 'detail'>;
  /** Whether this very question was answered before. */
  isDone: (task: T, hash: string | undefined) => boolean;
  /** No record is begun after it fires; the one in work is finished. */
  stop: AbortSignal;
  /** Ends the record in work too. */
  signal: AbortSignal;
  onBegin: (task: T) => void;
}

type Prepared<T> = { task: T; hash: string | undefined } & (
  | { kind: 'skipped' }
  | { kind: 'ready'; question: RecordQuestion; messages: Message<Picture>[] }
  | { kind: 'failed'; error: unknown }
);

/**
 * Answers records one after the other; pictures of the next are read while the model answers. What is wrong with one
 * record is its own outcome.
 * @throws what concerns all records: a model that cannot be loaded, and the reason of a signal
 */
export async function* answerRecords<T extends RecordTask>(
  tasks: readonly T[],
  options: AnswerRecordsOptions<T>,
): AsyncGenerator<{ task: T; outcome: RecordOutcome }, void> {
  const { stop, signal, onBegin } = options;
  const ending = new AbortController();
  const anyEnd = AbortSignal.any([signal, stop, ending.signal]);
  try {
    for await (const prepared of oneAhead(tasks, (task) => prepareRecord(task, { ...options, signal: anyEnd }))) {
      signal.throwIfAborted();
      stop.throwIfAborted();
      const { task } = prepared;
      if (prepared.kind !== 'skipped') onBegin(task);
      yield { task, outcome: await outcomeOf(prepared, options) };
    }
  } finally {
    ending.abort(); // nobody waits for the record ahead any more
  }
}

async function prepareRecord<T extends RecordTask>(
  task: T,
  { engine, job, pictures, isDone, signal }: Omit<AnswerRecordsOptions<T>, 'stop' | 'onBegin'>,
): Promise<Prepared<T>> {
  let hash: string | undefined;
  try {
    const question = await task.question();
    const { detail } = question;
    hash = await recordHash(question, { job, pictures: { ...pictures, detail, signal } });
    if (isDone(task, hash)) return { kind: 'skipped', task, hash };
    const messages = await loadMessages(question.messages, {
      ...pictures,
      detail,
      signal,
      image: engine.files.image,
      maxImageTokens: engine.files.decoder.trainedContext,
      keepPatches: true,
    });
    return { kind: 'ready', task, hash, question, messages };
  } catch (error) {
    if (hash === undefined && !signal.aborted && isDone(task, hash)) return { kind: 'skipped', task, hash };
    return { kind: 'failed', task, hash, error };
  }
}

async function outcomeOf<T>(
  prepared: Prepared<T>,
  { engine, signal }: AnswerRecordsOptions<T>,
): Promise<RecordOutcome> {
  if (prepared.kind === 'skipped') return { kind: 'skipped' };
  const { hash } = prepared;
  if (prepared.kind === 'failed') return { kind: 'failed', hash, error: prepared.error };
  try {
    const { options } = prepared.question;
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    const answer = await lastAnswer(engine.ask(prepared.messages, { ...options, seed, signal }));
    return { kind: 'answered', hash: hash!, answer };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PixtralError && error.code === 'model') throw error; // the next record would fare no better
    return { kind: 'failed', hash, error };
  }
}

async function lastAnswer(events: AsyncIterable<EngineEvent>): Promise<Answer> {
  let answer: Answer | undefined;
  for await (const event of events) if (event.kind === 'answer') answer = event.answer;
  if (!answer) throw new Error('the engine gave no answer');
  return answer;
}
