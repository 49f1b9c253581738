import { type FileHandle, mkdir, open, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import { readLines } from '../../base/lines.ts';
import { type AnswerRecordsOptions, type RecordOutcome, answerRecords } from '../../asking/answer-records.ts';
import { lockFile } from '../../native/file-lock.ts';
import { openAnswers } from '../../wires/answers-journal.ts';
import { batchLine, readBatchLine } from '../../wires/batch-line.ts';
import { decidedShape } from '../../wires/decided-shape.ts';
import type { RequestContext } from '../../wires/request.ts';
import { type BatchLineTask, batchLines } from './batch-lines.ts';
import { type BatchState, BatchStore, hasEnded, withStatus } from './batch-state.ts';
import { FileStore, fileIdOf } from './file-store.ts';

export interface BatchesOptions extends Pick<
  AnswerRecordsOptions<BatchLineTask>,
  'answerer' | 'job' | 'pictures' | 'stop' | 'signal'
> {
  /** Where files, states and answers are kept. */
  folder: string;
  request: RequestContext;
  /** Something failed that should not have. */
  onFailure: (thrown: unknown) => void;
}

/**
 * Batches of requests, done one after the other in the order in which they came, over restarts: every answer is on disk
 * before the next, so that a server that was killed goes on where it was and answers no request twice.
 */
export class Batches {
  readonly files: FileStore;
  readonly #options: BatchesOptions;
  readonly #store: BatchStore;
  /** By id, the oldest first. */
  readonly #states = new Map<string, BatchState>();
  readonly #cancels = new Map<string, AbortController>();
  #lock: FileHandle | undefined;
  #work: Promise<void> = Promise.resolve();

  private constructor(options: BatchesOptions) {
    this.#options = options;
    this.files = new FileStore(join(options.folder, 'files'));
    this.#store = new BatchStore(join(options.folder, 'batches'));
  }

  /** Goes on with what an earlier server has left. Returns undefined when another server has the folder. */
  static async open(options: BatchesOptions): Promise<Batches | undefined> {
    const batches = new Batches(options);
    if (!(await batches.#lockFolder())) return undefined;
    for (const state of await batches.#store.all()) {
      batches.#states.set(state.id, state);
      if (!hasEnded(state)) batches.#enqueue(state.id);
    }
    return batches;
  }

  get(id: string): BatchState | undefined {
    return this.#states.get(id);
  }

  /** The newest first. */
  list(): BatchState[] {
    return [...this.#states.values()].toReversed();
  }

  async add(batch: BatchState): Promise<void> {
    await this.#set(batch);
    this.#enqueue(batch.id);
  }

  /** What is in work is dropped, what is answered is kept. */
  async cancel(batch: BatchState): Promise<BatchState> {
    if (hasEnded(batch) || batch.status === 'cancelling') return batch;
    const cancelling = withStatus(batch, 'cancelling');
    await this.#set(cancelling);
    this.#cancels.get(batch.id)?.abort(new Error('the batch was cancelled'));
    return cancelling;
  }

  /** When the work has stopped. */
  async close(): Promise<void> {
    await this.#work;
    await this.#lock?.close();
  }

  async #lockFolder(): Promise<boolean> {
    const path = join(this.#options.folder, 'lock');
    try {
      await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
      this.#lock = await open(path, 'a', 0o600);
    } catch (cause) {
      throw new PixtralError('machine', `${path}: ${reasonOf(cause)}`, {
        hint: 'name another folder with --data',
        cause,
      });
    }
    const isFree = (await lockFile({ descriptor: this.#lock.fd, path: await realpath(path) })) !== 'taken';
    if (!isFree) await this.#lock.close();
    return isFree;
  }

  async #set(batch: BatchState): Promise<void> {
    this.#states.set(batch.id, batch);
    await this.#store.save(batch);
  }

  #enqueue(id: string): void {
    this.#work = this.#after(this.#work, id);
  }

  async #after(before: Promise<void>, id: string): Promise<void> {
    await before;
    const { stop, signal, onFailure } = this.#options;
    try {
      if (!stop.aborted) await this.#run(id);
    } catch (thrown) {
      if (stop.aborted || signal.aborted) return; // the next server goes on
      if (!(thrown instanceof PixtralError)) onFailure(thrown);
      const data = [{ code: 'failed', message: reasonOf(thrown), line: null, param: null }];
      await this.#fail(id, data).catch(onFailure);
    }
  }

  async #fail(id: string, data: NonNullable<BatchState['errors']>['data']): Promise<void> {
    await this.#set({ ...withStatus(this.#states.get(id)!, 'failed'), errors: { object: 'list', data } });
  }

  async #run(id: string): Promise<void> {
    const batch = this.#states.get(id)!;
    const input = await readFile(this.files.path(batch.input_file_id)).catch((cause: unknown) => {
      throw new PixtralError('input', `${batch.input_file_id}: ${reasonOf(cause)}, expected the input file`, { cause });
    });
    const { tasks, errors } = await batchLines(input, { endpoint: batch.endpoint, context: this.#options.request });
    if (errors.length > 0) return this.#fail(id, errors);
    const cancel = new AbortController();
    this.#cancels.set(id, cancel);
    try {
      const begun = this.#states.get(id)!;
      const total = { ...begun, request_counts: { total: tasks.length, completed: 0, failed: 0 } };
      if (total.status === 'cancelling') cancel.abort();
      await this.#set(total.status === 'validating' ? withStatus(total, 'in_progress') : total);
      await this.#answer(id, { tasks, cancel: cancel.signal });
    } finally {
      this.#cancels.delete(id);
    }
    await this.#finish(id);
  }

  async #answer(id: string, { tasks, cancel }: { tasks: BatchLineTask[]; cancel: AbortSignal }): Promise<void> {
    const { answerer, job, pictures, stop, signal } = this.#options;
    const { endpoint } = this.#states.get(id)!;
    const { journal, written } = await openAnswers(this.#store.journal(id));
    try {
      if (cancel.aborted) return;
      const answered = answerRecords(tasks, {
        answerer,
        job,
        pictures,
        signal,
        stop: AbortSignal.any([stop, cancel]),
        asCompleted: true,
        isDone: (task, hash) => written.get(task.id)?.hash === hash && written.has(task.id),
        onBegin: () => {},
      });
      for await (const { task, outcome } of answered) {
        const before = written.get(task.id);
        const failed = outcome.kind === 'failed' || (outcome.kind === 'skipped' && before!.failed);
        if (outcome.kind !== 'skipped') {
          const line = { style: 'openai', id: task.id, endpoint, hash: outcome.hash, replaces: before?.hash } as const;
          await journal.append(batchLine(line, resultOf(outcome, line)));
        }
        this.#count(id, failed);
      }
    } catch (thrown) {
      if (!cancel.aborted || stop.aborted) throw thrown;
    } finally {
      await journal.close();
    }
  }

  /** On disk it is counted at the end: a server that goes on counts again. */
  #count(id: string, failed: boolean): void {
    const batch = this.#states.get(id)!;
    const { total, completed, failed: failures } = batch.request_counts;
    const counts = failed
      ? { total, completed, failed: failures + 1 }
      : { total, completed: completed + 1, failed: failures };
    this.#states.set(id, { ...batch, request_counts: counts });
  }

  /** Answers and failures as files of their own. */
  async #finish(id: string): Promise<void> {
    const isCancelled = this.#states.get(id)!.status === 'cancelling';
    if (!isCancelled) await this.#set(withStatus(this.#states.get(id)!, 'finalizing'));
    const lines = new Map<string, { text: string; failed: boolean }>();
    const journal = await readFile(this.#store.journal(id));
    for await (const { bytes } of readLines([journal])) {
      const text = Buffer.from(bytes).toString();
      const line = readBatchLine(text);
      if (line) lines.set(line.id, { text, failed: line.failed }); // the last line of an id counts
    }
    const fileOf = async (failed: boolean, name: string): Promise<string | null> => {
      const texts = [...lines.values()].filter((line) => line.failed === failed).map(({ text }) => `${text}\n`);
      if (texts.length === 0) return null;
      const filename = `${id}_${name}.jsonl`;
      const described = { id: fileIdOf(filename), filename, purpose: 'batch_output' } as const;
      return (await this.files.add(Buffer.from(texts.join('')), described)).id;
    };
    const files = { output_file_id: await fileOf(false, 'output'), error_file_id: await fileOf(true, 'error') };
    await this.#set({ ...withStatus(this.#states.get(id)!, isCancelled ? 'cancelled' : 'completed'), ...files });
  }
}

function resultOf(
  outcome: Exclude<RecordOutcome, { kind: 'skipped' }>,
  asked: { endpoint: string; hash: string | undefined },
): Parameters<typeof batchLine>[1] {
  if (outcome.kind === 'answered') return { answer: outcome.answer };
  return outcome.kind === 'decided' ? { shape: decidedShape(outcome.decided, asked) } : { error: outcome.error };
}
