import { availableParallelism } from 'node:os';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ahead } from '../../base/ahead.ts';
import { PixtralError } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';
import type { GridConfig } from '../../image/pixels/grid.ts';
import { type BatchCounts, type BatchProgress, batchProgress } from '../../output/batch-progress.ts';
import { jsonLine } from '../../wires/json.ts';
import { type Journal, openJournal } from '../../store/journal.ts';
import { type QuestionFlags, commonQuestion } from '../batch/common-question.ts';
import { type InputFlags, batchInput } from '../batch/entries.ts';
import type { BatchEntry } from '../batch/entry.ts';
import { type Shard, selectEntries } from '../batch/select.ts';
import type { Io } from '../io.ts';
import { pictureSettings } from '../picture-flags.ts';
import { readAnswered } from './answered.ts';
import type { HostName } from './hosts.ts';
import { JobFiles, nextJob, jobName } from './job-files.ts';
import {
  type JobsHead,
  type Manifest,
  type ManifestEntry,
  addEntry,
  beginsLikeManifestLine,
  customIdOf,
  emptyManifest,
  isAsked,
  manifestLine,
  manifestName,
  readManifestLine,
} from './manifest.ts';
import { type SplitOptions, type SplitOutcome, splitRecord } from './split-record.ts';
import { shownAt } from '../../output/printable.ts';

export interface SplitFlags extends QuestionFlags, InputFlags {
  for: HostName;
  model: string;
  output: string;
  byUrl?: boolean;
  pixelsFor?: string;
  jobLines: number;
  jobSize: number;
  left?: string;
  retryFailed?: boolean;
  limit?: number;
  shard?: Shard;
  quiet?: boolean;
}

interface SplitRun {
  flags: SplitFlags;
  io: Io;
  stdin: () => Promise<Uint8Array>;
  /** How the model divides pictures. */
  image: GridConfig;
}

/** Writes all records into jobs and returns how many could not be, those of earlier runs that were skipped included. */
export async function runSplit(words: readonly string[], run: SplitRun): Promise<number> {
  const { flags, io } = run;
  checkFlags(flags);
  const input = await batchInput(words, { flags, common: await commonQuestion(flags, run), stdin: run.stdin });
  try {
    const { journal, manifest } = await openJobs(flags);
    try {
      const answered = flags.left === undefined ? undefined : await readAnswered(flags.left);
      const { json = false, quiet = false } = flags;
      const entries = selectEntries(input.entries, flags);
      const progress = batchProgress(io.stderr, { total: entries.length, json, quiet });
      if (journal.repaired)
        progress.note(`${flags.output}: a run that was killed left a half-written line, cut off now`);
      return await splitAll(entries, { ...run, journal, manifest, answered, progress });
    } finally {
      await journal.close();
    }
  } finally {
    await input.close();
  }
}

function checkFlags({ byUrl, detail }: SplitFlags): void {
  if (byUrl === true && detail === 'tiles') {
    throw new PixtralError('usage', '--by-url and --detail tiles: parts are cut here, expected one of the two');
  }
}

/** The folder's journal, for one process at a time. */
async function openJobs({ output: folder, for: host, model }: SplitFlags): Promise<{
  journal: Journal;
  manifest: Manifest;
}> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw systemError(folder, 'cannot be made', cause);
  });
  const manifest = emptyManifest();
  const journal = await openJournal<ManifestEntry>(join(folder, manifestName), {
    readEntry: readManifestLine,
    beginsLikeEntry: beginsLikeManifestLine,
    onEntry: (entry) => addEntry(manifest, entry),
    entryName: 'line of pixtral batch split',
  });
  try {
    await begin({ journal, manifest }, { folder, head: { host, model } });
    return { journal, manifest };
  } catch (thrown) {
    await journal.close();
    throw thrown;
  }
}

async function begin(
  { journal, manifest }: { journal: Journal; manifest: Manifest },
  { folder, head }: { folder: string; head: JobsHead },
): Promise<void> {
  const { head: before } = manifest;
  if (before && (before.host !== head.host || before.model !== head.model)) {
    const [was, is] = [before, head].map(({ host, model }) => `--for ${host} --model ${model}`);
    throw new PixtralError('usage', `${folder}: holds jobs of ${was}, expected the same again and not ${is}`, {
      hint: 'give -o another folder',
    });
  }
  const entry: ManifestEntry = { kind: 'head', head };
  if (!before) await journal.append(manifestLine(entry));
  addEntry(manifest, entry);
  // What a run that was killed had not put into the journal: nobody may send it.
  const unfinished = jobName(nextJob(manifest.jobs));
  for (const name of [unfinished, `${unfinished}.part`]) await rm(join(folder, name), { force: true });
}

interface SplitWork extends SplitRun {
  journal: Journal;
  manifest: Manifest;
  /** Hashes of what is answered, by id; undefined where it does not matter. */
  answered: ReadonlyMap<string, string | undefined> | undefined;
  progress: BatchProgress;
}

async function splitAll(entries: readonly BatchEntry[], work: SplitWork): Promise<number> {
  const { flags, io, journal, manifest, progress } = work;
  const jobs = new JobFiles<ManifestEntry>(flags.output, {
    maxLines: flags.jobLines,
    maxBytes: flags.jobSize,
    next: nextJob(manifest.jobs),
    settle: (settled) => journal.append(settled.map(manifestLine).join('\n')),
  });
  const counts: BatchCounts = { done: 0, failed: 0, skipped: 0, skippedFailed: 0, again: 0 };
  const forms = new Set(manifest.forms.keys());
  const options = splitOptions(work);
  const prepare = async (entry: BatchEntry) => ({ entry, ...(await settled(splitRecord(entry, options))) });
  try {
    // Every core has one, and one more waits: a full picture and its text take some 16 MB.
    for await (const { entry, outcome, thrown } of ahead(entries, { count: 1 + availableParallelism(), prepare })) {
      io.signal.throwIfAborted();
      if (!outcome) throw thrown;
      await take(outcome, { jobs, forms });
      count(outcome, { counts, before: manifest.records.get(String(entry.id)) });
      if (outcome.kind === 'failed') progress.note(outcome.record.error.message);
      progress.update(counts, String(entry.id));
    }
    await jobs.end();
  } finally {
    await jobs.abandon();
    progress.end(counts);
  }
  tell(jobs.written, { counts, work });
  return counts.failed + counts.skippedFailed;
}

function splitOptions({ flags, io, stdin, image, manifest, answered }: SplitWork): SplitOptions {
  const head = { host: flags.for, model: flags.model };
  const byUrl = flags.byUrl === true;
  return {
    head,
    byUrl,
    pictures: { ...pictureSettings(flags, { io, stdin }), image },
    job: JSON.stringify(['jobs', head.host, head.model, image, byUrl]),
    maxBytes: flags.jobSize,
    isDone({ id }, hash) {
      if (answered) return hash !== undefined && answered.get(String(id)) === hash;
      const before = manifest.records.get(String(id));
      return before !== undefined && before.hash === hash && (isAsked(before) || flags.retryFailed !== true);
    },
    attempts({ id }, hash) {
      let attempt = 1;
      while (manifest.customIds.has(customIdOf({ id, hash }, attempt))) attempt++;
      return attempt - 1;
    },
  };
}

/** What `ahead` is given must not reject. */
function settled<T>(promise: Promise<T>): Promise<{ outcome?: T; thrown?: unknown }> {
  return promise.then(
    (outcome) => ({ outcome }),
    (thrown: unknown) => ({ thrown }),
  );
}

async function take(
  outcome: SplitOutcome,
  { jobs, forms }: { jobs: JobFiles<ManifestEntry>; forms: Set<string> },
): Promise<void> {
  if (outcome.kind === 'skipped') return;
  if (outcome.kind === 'failed') return jobs.pass({ kind: 'record', record: outcome.record });
  const { line, record, form } = outcome;
  if (form && record.form !== undefined && !forms.has(record.form)) {
    forms.add(record.form);
    await jobs.pass({ kind: 'form', name: record.form, asked: form });
  }
  await jobs.add(line, (job) => ({ kind: 'record', record: { ...record, job } }));
}

function count(
  outcome: SplitOutcome,
  { counts, before }: { counts: BatchCounts; before: { hash: string | undefined } | undefined },
): void {
  switch (outcome.kind) {
    case 'skipped':
      counts.skipped++;
      if (before && !('customId' in before)) counts.skippedFailed++;
      return;
    case 'asked':
      counts.done++;
      break;
    case 'failed':
      counts.failed++;
      break;
    default:
      outcome satisfies never;
  }
  if (before && before.hash !== outcome.record.hash) counts.again++;
}

/** The new jobs' paths, for whoever sends them. */
function tell(written: readonly string[], { counts, work }: { counts: BatchCounts; work: SplitWork }): void {
  const { flags, io } = work;
  const jobs = written.map((name) => join(flags.output, name));
  const { done: asked, failed, skipped } = counts;
  if (flags.json === true) io.stdout.write(jsonLine({ jobs, asked, failed, skipped }));
  else io.stdout.write(shownAt(io.stdout, jobs.map((path) => `${path}\n`).join('')));
}
