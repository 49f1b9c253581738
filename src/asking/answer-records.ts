import { availableParallelism } from 'node:os';
import { PixtralError } from '../base/errors.ts';
import { ahead, arrivingAhead } from '../base/ahead.ts';
import { Gate } from '../base/gate.ts';
import { inOrder } from '../base/in-order.ts';
import type { Answerer, Asked, ItemEvent } from './answerer.ts';
import type { Decisions } from './decisions/question.ts';
import type { Answer, Decided, QuestionEvent } from './events.ts';
import { loadQuestion, settledQuestion } from './load-question.ts';
import type { PictureOptions } from './pictures/picture-chunks.ts';
import { type RecordQuestion, recordHash } from './record-hash.ts';

/** One line of work: what it asks is found out just before its turn. */
export interface RecordTask {
  question(): Promise<RecordQuestion>;
}

export type RecordOutcome =
  /** With what was decided, where that was asked. */
  | { kind: 'skipped'; decisions: Decisions | undefined }
  | { kind: 'answered'; hash: string; answer: Answer }
  | { kind: 'decided'; hash: string; decided: Decided }
  /** `hash` is undefined when not even the question could be made out. */
  | { kind: 'failed'; hash: string | undefined; error: unknown };

export interface AnswerRecordsOptions<T> {
  answerer: Answerer;
  /** Of what all records share. */
  job: string;
  pictures: Omit<PictureOptions, 'image' | 'detail'>;
  /** Whether this very question was answered before. */
  isDone: (task: T, hash: string | undefined, decisions: Decisions | undefined) => boolean;
  /** As soon as each is known, and not in the order of the records. */
  asCompleted: boolean;
  /** No record is begun after it fires; those in work are finished. */
  stop: AbortSignal;
  /** Ends the records in work too. */
  signal: AbortSignal;
  /** Whenever a record is begun, with all that are in work. */
  onBegin: (tasks: readonly T[]) => void;
}

/** A record as far as it is known before its turn. */
interface Prepared<T> {
  place: number;
  task: T;
  hash: string | undefined;
  /** Where there is nothing to ask. */
  outcome?: RecordOutcome;
}

interface Settled<T> {
  place: number;
  task: T;
  outcome: RecordOutcome;
}

/** Records that are prepared before their turn, so that every decoder has one: patches of a large picture take 12 MB. */
const preparedAhead = Math.min(8, 1 + availableParallelism());

/** For each sequence, records that may wait for one before them: an answer is small, but lost when the process dies. */
const waitingEach = 4;

/**
 * Answers records, several at once; pictures of the next are read while the model answers. What is wrong with one record
 * is its own outcome.
 * @throws what concerns all records: a model that cannot be loaded, options that do not fit it, the reason of a signal
 */
export async function* answerRecords<T extends RecordTask>(
  tasks: readonly T[] | AsyncIterable<T>,
  options: AnswerRecordsOptions<T>,
): AsyncGenerator<{ task: T; outcome: RecordOutcome }, void> {
  const { answerer, stop, signal, asCompleted } = options;
  const ending = new AbortController();
  const gate = new Gate(answerer.mostAtOnce * waitingEach);
  const asked = askedRecords(tasks, { ...options, gate, signal: AbortSignal.any([signal, stop, ending.signal]) });
  const settled = settledRecords(answerer.answer(asked, { stop, signal }), options);
  try {
    for await (const { task, outcome } of asCompleted ? settled : inOrder(settled)) {
      yield { task, outcome };
      gate.leave();
    }
    stop.throwIfAborted();
  } finally {
    ending.abort(); // nobody waits for the records ahead any more
  }
}

async function* askedRecords<T extends RecordTask>(
  tasks: readonly T[] | AsyncIterable<T>,
  { gate, ...options }: PrepareOptions<T> & { gate: Gate },
): AsyncGenerator<Asked<Prepared<T>>, void> {
  let place = 0;
  const prepare = (task: T) => prepareRecord({ task, place: place++ }, options);
  const how = { count: preparedAhead, prepare };
  const upcoming =
    Symbol.iterator in tasks ? ahead(tasks, how) : arrivingAhead(tasks, { ...how, stop: options.signal });
  for await (const prepared of upcoming) {
    await gate.enter();
    if (options.signal.aborted) return;
    yield prepared;
  }
}

type PrepareOptions<T> = Pick<AnswerRecordsOptions<T>, 'answerer' | 'job' | 'pictures' | 'isDone' | 'signal'>;

async function prepareRecord<T extends RecordTask>(
  { task, place }: { task: T; place: number },
  { answerer, job, pictures, isDone, signal }: PrepareOptions<T>,
): Promise<Asked<Prepared<T>>> {
  let hash: string | undefined;
  const settled = (outcome: RecordOutcome): Asked<Prepared<T>> => ({
    item: { place, task, hash, outcome },
    question: undefined,
  });
  try {
    const question = settledQuestion(await task.question(), answerer);
    const { detail, text = pictures.text } = question;
    hash = await recordHash(question, {
      job,
      tellsSchema: answerer.tellsSchema,
      pictures: { ...pictures, detail, text, signal },
    });
    const { decisions } = question;
    if (isDone(task, hash, decisions)) return settled({ kind: 'skipped', decisions });
    return { item: { place, task, hash }, question: await loadQuestion(question, { answerer, pictures, signal }) };
  } catch (error) {
    const isKnown = hash === undefined && !signal.aborted && isDone(task, hash, undefined);
    if (isKnown) return settled({ kind: 'skipped', decisions: undefined });
    return settled({ kind: 'failed', hash, error });
  }
}

/** Outcomes as they become known. */
async function* settledRecords<T>(
  events: AsyncIterable<ItemEvent<Prepared<T>>>,
  { onBegin, pictures: { trace } }: Pick<AnswerRecordsOptions<T>, 'onBegin' | 'pictures'>,
): AsyncGenerator<Settled<T>, void> {
  const inWork = new Map<T, { start: number }>();
  for await (const { item, event } of events) {
    const { place, task } = item;
    const outcome = item.outcome ?? (event && outcomeOf(event, item));
    if (outcome) {
      const begun = inWork.get(task);
      if (begun) trace?.add({ stage: 'question', ...begun, detail: { record: place + 1 } });
      inWork.delete(task);
      yield { place, task, outcome };
    } else if (!inWork.has(task)) {
      inWork.set(task, { start: performance.now() });
      onBegin([...inWork.keys()]);
    }
  }
}

function outcomeOf<T>(event: QuestionEvent, { hash }: Prepared<T>): RecordOutcome | undefined {
  if (event.kind === 'answer') return { kind: 'answered', hash: hash!, answer: event.answer };
  if (event.kind === 'decided') return { kind: 'decided', hash: hash!, decided: event.decided };
  if (event.kind !== 'failed') return undefined;
  const { error } = event;
  // The next record would fare no better.
  if (error instanceof PixtralError && (error.code === 'model' || error.code === 'usage')) throw error;
  return { kind: 'failed', hash, error };
}
