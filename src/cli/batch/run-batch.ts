import { constants } from 'node:os';
import type { Answerer } from '../../asking/answerer.ts';
import { type RecordOutcome, answerRecords } from '../../asking/answer-records.ts';
import { type Trace, traced } from '../../base/trace.ts';
import { type Engine, openEngine } from '../../engine/engine.ts';
import { jobHash } from '../../engine/answers/job-hash.ts';
import { type ModelIdentity, modelIdentity } from '../../engine/runtime/model-identity.ts';
import { resolveModel } from '../../engine/runtime/resolve.ts';
import type { WrittenLine } from '../../wires/batch-line.ts';
import type { Announcement } from '../../store/announcements.ts';
import { type BatchCounts, batchProgress } from '../../output/batch-progress.ts';
import { batchWarnings } from '../../output/picture-warnings.ts';
import { noteLine } from '../../output/note.ts';
import { batchServerWarnings } from '../../output/server-warnings.ts';
import { type EngineFlags, engineOptions } from '../engine-flags.ts';
import type { Io } from '../io.ts';
import { findLocalServer, mayBeServed } from '../local-server.ts';
import { namedModel } from '../named-model.ts';
import { pictureSettings } from '../picture-flags.ts';
import { type ServerFlags, openFlagServers, serverWords } from '../server-flags.ts';
import type { TraceFlags } from '../trace-flags.ts';
import { userCache } from '../user-cache.ts';
import { arrivingRecords } from './arriving-records.ts';
import { type InputFlags, batchInput } from './entries.ts';
import { type QuestionFlags, commonQuestion } from './common-question.ts';
import type { BatchEntry, CommonQuestion } from './entry.ts';
import { type ReviewFlags, checkReview, reviewOptions, writeReview } from './review.ts';
import { type ResultFlags, type Results, openResults } from './results.ts';
import { type Shard, selectEntries } from './select.ts';

export interface BatchFlags
  extends
    EngineFlags,
    BatchRuntimeFlags,
    Omit<InputFlags, 'records'>,
    ResultFlags,
    QuestionFlags,
    ServerFlags,
    ReviewFlags,
    TraceFlags {
  limit?: number;
  shard?: Shard;
  asCompleted?: boolean;
}

/** How many records at once, and whether lines of progress are wanted. */
export interface BatchRuntimeFlags {
  records?: string;
  parallel: number | 'auto';
  reproducible?: boolean;
  speculate?: boolean;
  quiet?: boolean;
}

interface BatchRun {
  flags: BatchFlags;
  io: Io;
  stdin: () => Promise<Uint8Array>;
  trace?: Trace | undefined;
}

/** Answers all records and returns how many have failed, those of earlier runs that were skipped included. */
export async function runBatch(words: readonly string[], run: BatchRun): Promise<number> {
  const { flags, io } = run;
  checkReview(flags);
  const asked = await commonQuestion(flags, run);
  const common = { ...asked, options: { ...asked.options, ...reviewOptions(flags) } };
  const input = await runInput(words, { ...run, common });
  try {
    const questions = input.count ?? Number.MAX_SAFE_INTEGER;
    const opened = await openAnswerer(run, { questions, options: common.options, mayBeServed: true });
    try {
      const results = await openResults(flags, { entries: input.all, io });
      try {
        const failed = await answerAll(input, { ...run, ...opened, results });
        await writeReview(flags);
        return failed;
      } finally {
        await results.close();
      }
    } finally {
      await opened.answerer.close();
    }
  } finally {
    await input.close();
  }
}

interface RunInput {
  /** Those that are to be answered. */
  selected: readonly BatchEntry[] | AsyncIterable<BatchEntry>;
  /** How many; undefined while more may come. */
  count: number | undefined;
  /** Those of other shards too, as far as they are known. */
  all: readonly BatchEntry[];
  close(): Promise<void>;
}

/** A pipe is read to its end first, but where answers may come in any order and no file is named after an id. */
async function runInput(
  words: readonly string[],
  { flags, io, stdin, common }: BatchRun & { common: CommonQuestion },
): Promise<RunInput> {
  const { records, asCompleted, outputDir, shard, limit } = flags;
  const isAlone = records === '-' && words.length === 0 && flags.null !== true;
  if (isAlone && asCompleted === true && outputDir === undefined && io.stdin.pieces) {
    const selected = arrivingRecords(io.stdin.pieces(), { common, ...(shard && { shard }), ...(limit && { limit }) });
    return { selected, count: undefined, all: [], close: async () => {} };
  }
  const input = await batchInput(words, { flags, common, stdin });
  const selected = selectEntries(input.entries, flags);
  return { selected, count: selected.length, all: input.entries, close: () => input.close() };
}

/**
 * It is not started yet.
 * @param once each picture is asked about once
 */
export async function openBatchEngine(
  { flags, io, trace }: { flags: EngineFlags & BatchRuntimeFlags; io: Io; trace?: Trace | undefined },
  { questions, once }: { questions: number; once: boolean },
): Promise<Engine> {
  const { notice, ...paths } = await traced({ trace, stage: 'model_found' }, async () =>
    resolveModel(await namedModel(flags, io)),
  );
  if (notice !== undefined) io.stderr.write(`${notice}\n`);
  const cache = flags.cache ? await userCache(io) : undefined;
  // States of whole prompts would only drive out everything else.
  const rowsOnly = cache && once ? { ...cache, accepts: () => Promise.resolve(false) } : cache;
  const { parallel, reproducible = false, speculate = false } = flags;
  const many = { parallel, reproducible, speculate, questions };
  return openEngine(engineOptions(flags, { paths, cache: rowsOnly, io, note: noteOf(flags, io), trace, ...many }));
}

function noteOf({ quiet }: BatchRuntimeFlags, { stderr }: Io): (lines: string) => void {
  return (lines) => {
    if (quiet !== true) stderr.write(lines);
  };
}

export interface OpenedAnswerer {
  answerer: Answerer;
  /** What tells its answers from those of others. */
  job: string;
  /** Read when it is asked for: most do not. */
  model: () => Promise<ModelIdentity>;
}

/** Servers, where some are named, or the model on this machine: that of a running server of the user's, if it may be. */
export async function openAnswerer(
  { flags, io, trace }: { flags: EngineFlags & BatchRuntimeFlags & ServerFlags; io: Io; trace?: Trace | undefined },
  {
    questions,
    options,
    mayBeServed: isServable = false,
  }: { questions: number; options: CommonQuestion['options']; mayBeServed?: boolean },
): Promise<OpenedAnswerer> {
  const words = serverWords(flags, io);
  if (words) {
    const servers = await openFlagServers(words, { flags, io, note: noteOf(flags, io) });
    try {
      servers.checkOptions(options);
      return { answerer: servers, job: servers.job, model: async () => ({ name: servers.model, weights: undefined }) };
    } catch (thrown) {
      await servers.close();
      throw thrown;
    }
  }
  const engine = await openBatchEngine({ flags, io, trace }, { questions, once: asksOnce(flags) });
  const job = await jobHash(engine.files, { cacheType: flags.cacheType, contextSize: flags.context });
  const { model, mmproj } = engine.files;
  const told = { job, model: () => modelIdentity(engine.files) };
  const isLookedFor = isServable && flags.speculate !== true && (await mayBeServed(flags, io));
  const server = isLookedFor && (await findLocalServer({ model: model.path, mmproj: mmproj.path }, { flags, io }));
  if (server) return { answerer: await servedAnswerer(engine, { server, flags, io }), ...told };
  await engine.start(io.signal);
  return { answerer: engine, ...told };
}

/** A server's answers are those of the model here. */
async function servedAnswerer(
  model: Engine,
  { server, flags, io }: { server: Announcement; flags: EngineFlags & BatchRuntimeFlags; io: Io },
): Promise<Answerer> {
  const { LocalAnswerer } = await import('../../local/local-answerer.ts');
  if (flags.verbose === true) io.stderr.write(`asking pixtral serve, process ${server.pid}\n`);
  const ended = 'pixtral serve has ended: what it has not answered is answered here';
  const onEnded = (): void => noteOf(flags, io)(noteLine(ended, { json: flags.json === true }));
  return new LocalAnswerer({
    server,
    model,
    reproducible: flags.reproducible === true,
    once: asksOnce(flags),
    onEnded,
  });
}

/** Records may ask several questions about a picture. */
function asksOnce({ records }: BatchRuntimeFlags): boolean {
  return records === undefined;
}

async function answerAll(
  { selected, count: total }: RunInput,
  { flags, io, stdin, trace, answerer, job, results }: BatchRun & OpenedAnswerer & { results: Results },
): Promise<number> {
  const { json = false, quiet = false } = flags;
  const progress = batchProgress(io.stderr, { total, json, quiet });
  for (const note of results.notes) progress.note(note);
  const counts: BatchCounts = { done: 0, failed: 0, skipped: 0, skippedFailed: 0, again: 0 };
  const { stop, signal } = endings(io, () =>
    progress.note('finishing the records in work; once more ends them at once'),
  );
  const sink = { write: (text: string): void => progress.lines(text), json };
  const warn = batchWarnings(sink);
  const warnOfServers = batchServerWarnings(sink);
  const answered = answerRecords(selected, {
    answerer,
    job,
    pictures: pictureSettings(flags, { io, stdin, trace }),
    isDone: (entry, hash) => results.isDone(entry, hash),
    asCompleted: flags.asCompleted === true,
    stop,
    signal,
    onBegin: (inWork) => progress.update(counts, labelOf(inWork)),
  });
  try {
    for await (const { task, outcome } of answered) {
      if (outcome.kind !== 'skipped') {
        await traced({ trace, stage: 'write' }, () => results.write(task, outcome));
      }
      if (outcome.kind === 'answered') {
        warn(outcome.answer.images);
        warnOfServers(outcome.answer);
      }
      count(counts, outcome, results.before(task));
    }
  } finally {
    progress.end(counts);
  }
  return counts.failed + counts.skippedFailed;
}

/** The record that was begun last stands for those in work. */
export function labelOf(inWork: readonly BatchEntry[]): string {
  const others = inWork.length === 1 ? '' : ` and ${inWork.length - 1} more`;
  return `${inWork.at(-1)?.id}${others}`;
}

export function count(counts: BatchCounts, outcome: RecordOutcome, before: WrittenLine | undefined): void {
  switch (outcome.kind) {
    case 'skipped':
      counts.skipped++;
      if (before?.failed === true) counts.skippedFailed++;
      return;
    case 'answered':
    case 'decided':
      counts.done++;
      break;
    case 'failed':
      counts.failed++;
      break;
  }
  if (before && before.hash !== outcome.hash) counts.again++;
}

/** SIGTERM comes from a scheduler that gives some time: what is in work is finished. Anything else ends it. */
export function endings(io: Io, onFinishing: () => void): { stop: AbortSignal; signal: AbortSignal } {
  const now = new AbortController();
  const onAbort = (): void => {
    if (io.signal.reason === constants.signals.SIGTERM) onFinishing();
    else now.abort(io.signal.reason);
  };
  if (io.signal.aborted) onAbort();
  else io.signal.addEventListener('abort', onAbort, { once: true });
  return { stop: io.signal, signal: now.signal };
}
