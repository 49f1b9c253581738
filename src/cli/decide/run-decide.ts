import { type Trace, traced } from '../../base/trace.ts';
import { PixtralError, exitCodes } from '../../base/errors.ts';
import { type RecordOutcome, answerRecords } from '../../asking/answer-records.ts';
import type { DecisionQuestion, Decisions } from '../../asking/decisions/question.ts';
import { imagesOf } from '../../prompt/message.ts';
import type { Source } from '../../image/sources/sources.ts';
import { type BatchCounts, type BatchProgress, batchProgress } from '../../output/batch-progress.ts';
import { type Decision, type DecisionOptions, decisionOf } from '../../asking/decisions/decision.ts';
import { type DecisionFilter, matches, nextQuestion } from '../../asking/decisions/filter.ts';
import { holds } from '../../asking/decisions/condition.ts';
import { writtenDecisions } from '../../wires/decisions.ts';
import { errorJson } from '../../wires/error-json.ts';
import { decisionSummary } from '../../output/decision-summary.ts';
import { batchWarnings } from '../../output/picture-warnings.ts';
import { batchServerWarnings } from '../../output/server-warnings.ts';
import { batchInput } from '../batch/entries.ts';
import type { BatchEntry, CommonQuestion } from '../batch/entry.ts';
import type { WrittenLine } from '../../wires/batch-line.ts';
import { formatMemo } from '../../wires/format-memo.ts';
import { pictureReading } from '../batch/picture-reading.ts';
import { readText } from '../batch/read-text.ts';
import { type ResultFlags, type Results, openResults } from '../batch/results.ts';
import {
  type BatchRuntimeFlags,
  type OpenedAnswerer,
  count,
  endings,
  labelOf,
  openAnswerer,
} from '../batch/run-batch.ts';
import { type Shard, selectEntries } from '../batch/select.ts';
import type { EngineFlags } from '../engine-flags.ts';
import { freeText } from '../free-text.ts';
import type { Io } from '../io.ts';
import type { ServerFlags } from '../server-flags.ts';
import type { TraceFlags } from '../trace-flags.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import { type CalibrationFile, checkCalibration, readCalibration } from './calibration-file.ts';
import { checkSpellings } from './check-spellings.ts';
import { type DeliverFlags, deliverer, delivers } from './deliver.ts';
import { type PresentFlags, type Presenter, presenter, presents } from './present.ts';
import type { HtmlReport } from './html-report.ts';
import { readQuestions } from '../../wires/question-json.ts';
import { checkQuestions, parseQuestion } from '../../wires/question-text.ts';
import { parseWhere } from './where.ts';

export interface DecideFlags
  extends
    EngineFlags,
    BatchRuntimeFlags,
    ResultFlags,
    PictureFlags,
    PresentFlags,
    DeliverFlags,
    ServerFlags,
    TraceFlags {
  question?: string[];
  questions?: string;
  system?: string;
  template?: string;
  labels: Decisions['labels'];
  orders: number;
  unsure: number;
  calibrate?: string;
  calibration?: string;
  nullList?: string;
  limit?: number;
  shard?: Shard;
  asCompleted?: boolean;
  html?: string;
}

export interface DecideRun {
  flags: DecideFlags;
  io: Io;
  stdin: () => Promise<Uint8Array>;
  trace?: Trace | undefined;
}

/** What is asked of every picture, and how its answers are read. */
interface Asking {
  questions: DecisionQuestion[];
  filter: DecisionFilter | undefined;
  reading: DecisionOptions;
  /** Where the temperatures come from. */
  calibration: CalibrationFile | undefined;
}

/** Decides about all pictures. Returns the exit code: 1 when a filter lets none through, 6 when a record failed. */
export async function runDecide(words: readonly string[], run: DecideRun): Promise<number> {
  const { flags, io } = run;
  const asking = await readAsking(flags);
  const common = commonQuestion(run, asking);
  if (flags.calibrate !== undefined) {
    const { runCalibrate } = await import('./run-calibrate.ts');
    await runCalibrate(flags.calibrate, { questions: asking.questions, common, run });
    return exitCodes.ok;
  }
  const input = await batchInput(words, { ...inputOf(run), common });
  try {
    const names = asking.questions.map(({ name }) => name);
    if (!presents(flags) && delivers(flags)) {
      throw new PixtralError('usage', '--move-to, --copy-to and --link-to: which pictures? --where was not given');
    }
    const deliver = await deliverer(flags);
    const shown = presents(flags) ? presenter(flags, { filter: asking.filter, names, deliver, io }) : undefined;
    const selected = selectEntries(input.entries, flags);
    const questions = selected.length * asking.questions.length * flags.orders;
    const opened = await openAnswerer(run, { questions, options: common.options, mayBeServed: true });
    try {
      const { questions: fitted } = asking;
      if (asking.calibration) {
        checkCalibration(asking.calibration, { model: await opened.model(), questions: fitted, labels: flags.labels });
      }
      const results = await openDecisions(flags, { entries: input.entries, io, asking, shown });
      const report = await openHtml(run);
      try {
        return await decideAll(selected, { ...run, ...opened, results, asking, shown, report });
      } finally {
        await report?.close();
        await results?.close();
      }
    } finally {
      await opened.answerer.close();
    }
  } finally {
    await input.close();
  }
}

async function readAsking(flags: DecideFlags): Promise<Asking> {
  const { question = [], questions: list, calibrate, calibration, unsure, labels } = flags;
  const questions = question.map((text, index) => parseQuestion(text, index + 1));
  if (list !== undefined) questions.push(...(await questionsOf(list)));
  if (questions.length === 0) {
    throw new PixtralError('usage', 'no question was given', {
      hint: "-q 'Is a person visible?', -q 'kind=receipt|letter|other: What is this?', or --questions file.json",
    });
  }
  checkQuestions(questions);
  checkSpellings(questions, labels);
  const isRead = calibration !== undefined && calibrate === undefined;
  const file = isRead ? await readCalibration(calibration) : undefined;
  const temperatures = file?.temperatures ?? {};
  const reading = { temperatures, unsure };
  return { questions, filter: readFilter(flags, { questions, reading }), reading, calibration: file };
}

/** First what the filter needs, from left to right; what it does not speak of only for lines of pictures that match. */
function readFilter(
  { where, invert = false, sort, output, csv, values }: DecideFlags,
  { questions, reading }: Pick<Asking, 'questions' | 'reading'>,
): DecisionFilter | undefined {
  if (where === undefined) return undefined;
  const condition = parseWhere(where, questions);
  const showsAll = output !== undefined || csv === true || values === true;
  return { condition, invert, reading, more: showsAll ? 'all' : sort === undefined ? 'none' : { sort } };
}

async function questionsOf(path: string): Promise<DecisionQuestion[]> {
  const text = await readText(path, 'a list of questions in JSON');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PixtralError('input', `${path}: is no JSON, expected a list of questions`, { cause });
  }
  const list = typeof value === 'object' && value !== null && 'questions' in value ? value.questions : value;
  return readQuestions(list, path);
}

function commonQuestion({ flags, io, stdin }: DecideRun, asking: Asking): CommonQuestion {
  const settings = pictureSettings(flags, { io, stdin });
  const { detail, system, orders, labels, template } = flags;
  return {
    prompt: undefined,
    system,
    detail,
    formats: formatMemo(),
    options: freeText(neverDrawn),
    decisions: { questions: asking.questions, orders, labels, template, filter: asking.filter },
    ...pictureReading(settings),
  };
}

/** Nothing is sampled. */
const neverDrawn = {
  maxTokens: 1,
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  repeatPenalty: 1,
  seed: 0,
};

function inputOf({ flags, stdin }: DecideRun) {
  const { records, nullList } = flags;
  const input = { ...(records !== undefined && { records }), ...(nullList !== undefined && { null: true }) };
  const isFile = nullList !== undefined && nullList !== '-';
  return { flags: input, stdin: isFile ? async () => Buffer.from(await readText(nullList, 'paths')) : stdin };
}

/** Lines go to standard output where nothing else does, and to a file where one is named. */
async function openDecisions(
  flags: DecideFlags,
  {
    entries,
    io,
    asking,
    shown,
  }: { entries: readonly BatchEntry[]; io: Io; asking: Asking; shown: Presenter | undefined },
): Promise<Results | undefined> {
  if (shown && (flags.output === undefined || flags.output === '-')) return undefined;
  return openResults(flags, { entries, io, reading: asking.reading });
}

/** A contact sheet of what matches, if it is asked for. */
async function openHtml({ flags, io, stdin }: DecideRun): Promise<HtmlReport | undefined> {
  if (flags.html === undefined) return undefined;
  const { openReport } = await import('./html-report.ts');
  return openReport(flags.html, { title: 'pixtral decide', reading: pictureSettings(flags, { io, stdin }) });
}

/** The first picture that a record asks about. */
async function firstSource(entry: BatchEntry): Promise<Source | undefined> {
  const { messages } = await entry.question();
  return messages.flatMap(({ content }) => imagesOf(content))[0];
}

async function decideAll(
  entries: readonly BatchEntry[],
  {
    flags,
    io,
    stdin,
    trace,
    answerer,
    job,
    results,
    asking,
    shown,
    report,
  }: DecideRun &
    OpenedAnswerer & {
      results: Results | undefined;
      asking: Asking;
      shown: Presenter | undefined;
      report: HtmlReport | undefined;
    },
): Promise<number> {
  const { json = false, quiet = false } = flags;
  const progress = batchProgress(io.stderr, { total: entries.length, json, quiet });
  for (const note of results?.notes ?? []) progress.note(note);
  for (const { name } of asking.calibration ? asking.questions : []) {
    if (!Object.hasOwn(asking.reading.temperatures, name)) progress.note(`${name} is not calibrated`);
  }
  const counts: BatchCounts = { done: 0, failed: 0, skipped: 0, skippedFailed: 0, again: 0 };
  const { stop, signal } = endings(io, () =>
    progress.note('finishing the pictures in work; once more ends them at once'),
  );
  const sink = { write: (text: string): void => progress.lines(text), json };
  const warn = batchWarnings(sink);
  const warnOfServers = batchServerWarnings(sink);
  const doubt = onceUnsure(progress);
  const summary = decisionSummary();
  const failed = (entry: BatchEntry, error: unknown): void => {
    const { message } = errorJson(error);
    if (shown) progress.note(message.startsWith(`${entry.id}: `) ? message : `${entry.id}: ${message}`);
  };
  const decided = answerRecords(entries, {
    answerer,
    job,
    pictures: pictureSettings(flags, { io, stdin, trace }),
    isDone: (entry, hash, asked) =>
      results?.isDone(entry, hash) === true && isKnown(results.before(entry), { asked, asking }),
    asCompleted: flags.asCompleted === true,
    stop,
    signal,
    onBegin: (inWork) => progress.update(counts, labelOf(inWork)),
  });
  try {
    for await (const { task, outcome } of decided) {
      const before = results?.before(task);
      if (outcome.kind !== 'skipped' && results) {
        await traced({ trace, stage: 'write' }, () => results.write(task, outcome));
      }
      if (outcome.kind === 'decided') {
        warn(outcome.decided.images);
        warnOfServers(outcome.decided);
      }
      count(counts, outcome, before);
      if (outcome.kind === 'failed') failed(task, outcome.error);
      const decisions = decisionsOf(outcome, { asking, written: before });
      if (!decisions) continue;
      const lacking = asking.filter && holds(asking.filter.condition, decisions);
      if (typeof lacking === 'object') {
        if (outcome.kind === 'decided') counts.done--;
        counts.failed++;
        progress.note(`${task.id}: has no question ${lacking.ask} as --where speaks of it`);
        continue;
      }
      doubt(String(task.id), decisions);
      summary.add(decisions);
      const isShown = !asking.filter || matches(decisions, asking.filter);
      if (report && isShown) await report.add(String(task.id), await firstSource(task), decisions);
      await shown?.show(String(task.id), decisions).catch((thrown: unknown) => {
        if (!(thrown instanceof PixtralError)) throw thrown;
        counts.failed++;
        progress.note(thrown.message);
      });
    }
  } finally {
    progress.end(counts);
  }
  await report?.finish();
  const matched = (await shown?.end()) ?? counts.done;
  if (io.stderr.isTTY && !json) progress.lines(summary.text());
  if (counts.failed + counts.skippedFailed > 0) return exitCodes.partial;
  return shown && matched === 0 ? exitCodes.failed : exitCodes.ok;
}

function decisionsOf(
  outcome: RecordOutcome,
  { asking: { reading }, written }: { asking: Asking; written: WrittenLine | undefined },
): Decision[] | undefined {
  if (outcome.kind === 'decided') return outcome.decided.readings.map((one) => decisionOf(one, reading));
  if (outcome.kind !== 'skipped' || !outcome.decisions || !written?.decided) return undefined;
  return writtenDecisions(written.decided, { ...outcome.decisions, reading });
}

/** An earlier run may have asked less, for another filter, or what this one needs cannot be read. */
function isKnown(
  written: WrittenLine | undefined,
  { asked, asking: { reading } }: { asked: Decisions | undefined; asking: Asking },
): boolean {
  if (!asked || written?.failed === true) return true;
  const decisions = writtenDecisions(written?.decided ?? { answers: [] }, { ...asked, reading });
  return nextQuestion(asked, decisions) === undefined;
}

/** Says of the first answer of each question that is unsure what that means. */
function onceUnsure(progress: BatchProgress): (id: string, decisions: readonly Decision[]) => void {
  const said = new Set<string>();
  return (id, decisions) => {
    for (const { name, unsure, mass } of decisions) {
      if (!unsure || said.has(name)) continue;
      said.add(name);
      const share = (100 * mass).toPrecision(2);
      progress.note(
        `${id}: ${name} is unsure: the options have ${share} % of the probability, the model would say something else`,
      );
    }
  };
}
