import { errorOf } from '../../wires/error-json.ts';
import { PixtralError } from '../../base/errors.ts';
import { type SchemaProblem, checkedAnswer } from './checked-answer.ts';
import type { Answer } from '../../asking/events.ts';
import type { RecordOutcome } from '../../asking/answer-records.ts';
import { schemaValidator } from '../../grammar/validate.ts';
import { jsonLine } from '../../wires/json.ts';
import { noteLine } from '../../output/note.ts';
import type { BatchEntry } from '../batch/entry.ts';
import { type ResultFlags, type Results, openResults } from '../batch/results.ts';
import type { Io } from '../io.ts';
import { type Found, type Gathered, gather, parsed } from './gather.ts';
import { choiceField, hosts } from './hosts.ts';
import { type HostAnswer, hostResult } from './host-result.ts';
import { type AskedRecord, type FailedRecord, type Manifest, customIdOf, isAsked, readManifest } from './manifest.ts';
import { ResultFiles, type ResultPlace } from './result-files.ts';
import { callsProblem } from '../../remote/answer-of.ts';
import { textLogprobs } from '../../remote/text-logprobs.ts';
import { strangeNotes } from './strange-notes.ts';

export interface MergeFlags extends Omit<ResultFlags, 'retryFailed'> {
  quiet?: boolean;
}

export interface MergeRun {
  flags: MergeFlags;
  io: Io;
  stdin: () => Promise<Uint8Array>;
}

interface MergeCounts {
  answered: number;
  failed: number;
  skipped: number;
  missing: number;
}

/** Writes every record's answer once and returns how many have none: missing ones and those that failed. */
export async function runMerge(folder: string, paths: readonly string[], run: MergeRun): Promise<number> {
  const { flags, io } = run;
  const manifest = await readManifest(folder);
  const files = new ResultFiles(run.stdin);
  try {
    const gathered = await gather(paths, { files, manifest, signal: io.signal });
    const entries = [...manifest.records.values()].map(entryOf);
    const results = await openResults(flags, { entries, io });
    try {
      const note = (text: string): void => {
        if (flags.quiet !== true) io.stderr.write(noteLine(text, { json: flags.json === true }));
      };
      for (const text of [...results.notes, ...strangeNotes(gathered.strange, folder)]) note(text);
      return await mergeAll(entries, { ...run, manifest, gathered, files, results, note, folder });
    } finally {
      await results.close();
    }
  } finally {
    await files.close();
  }
}

/** What `Results` wants to know of a record; nobody asks it. */
function entryOf({ id, style }: AskedRecord | FailedRecord): BatchEntry {
  const question = (): never => {
    throw new Error(`record ${id} is merged, not asked`);
  };
  return { id, style, where: String(id), question };
}

interface MergeWork extends MergeRun {
  folder: string;
  manifest: Manifest;
  gathered: Gathered;
  files: ResultFiles;
  results: Results;
  note: (text: string) => void;
}

type Settled = Exclude<RecordOutcome, { kind: 'skipped' }>;

async function mergeAll(entries: readonly BatchEntry[], work: MergeWork): Promise<number> {
  const { io, manifest, results } = work;
  const counts: MergeCounts = { answered: 0, failed: 0, skipped: 0, missing: 0 };
  const missing: string[] = [];
  const shrunk: string[] = [];
  const outcomeOf = outcomes(work);
  let failedBefore = 0;
  for (const entry of entries) {
    io.signal.throwIfAborted();
    const record = manifest.records.get(String(entry.id))!;
    const before = results.before(entry);
    const isSame = before !== undefined && before.hash === record.hash;
    const outcome = isSame && !before.failed ? undefined : await outcomeOf(record);
    if (isSame && (!before.failed || outcome?.kind !== 'answered')) {
      counts.skipped++;
      if (before.failed) failedBefore++;
    } else if (!outcome) {
      counts.missing++;
      missing.push(String(entry.id));
    } else {
      counts[outcome.kind === 'failed' ? 'failed' : 'answered']++;
      await results.write(entry, outcome);
      if (outcome.kind === 'answered' && isShrunk(outcome.answer, manifest)) shrunk.push(JSON.stringify(entry.id));
    }
  }
  const [first] = shrunk;
  if (first !== undefined) {
    const others = shrunk.length > 1 ? ` and ${shrunk.length - 1} more` : '';
    work.note(`${first}${others}: the host counted fewer tokens than the pictures alone have, so it has shrunk them`);
  }
  tell({ counts, missing, failedBefore }, work);
  return counts.failed + counts.missing + failedBefore;
}

/** Models of OpenAI's count pictures in a way of their own. */
function isShrunk({ usage }: Answer, { head }: Manifest): boolean {
  return head?.host !== 'openai' && usage.prompt > 0 && usage.prompt < usage.image;
}

/** What became of a record; undefined while no result tells. */
function outcomes(work: MergeWork): (record: AskedRecord | FailedRecord) => Promise<Settled | undefined> {
  const problemOf = schemaProblems();
  return async (record) => {
    if (!isAsked(record)) return { kind: 'failed', hash: record.hash, error: errorOf(record.error) };
    const hash = record.hash!; // of a question that was asked
    const attempts = attemptsOf({ id: record.id, hash }, work);
    // An earlier attempt's answer is as good as a later one's, whichever came first.
    for (const found of attempts) {
      if (found.answers.length !== 1) continue;
      try {
        return { kind: 'answered', hash, answer: await answerAt(found.answers[0]!.place, { record, work, problemOf }) };
      } catch (error) {
        if (!(error instanceof PixtralError) || error.code !== 'input') throw error;
        if (found === attempts.at(-1)) return { kind: 'failed', hash, error };
      }
    }
    const last = attempts.at(-1);
    return last && { kind: 'failed', hash, error: await failureOf(last, work) };
  };
}

function attemptsOf(question: { id: string | number; hash: string }, { manifest, gathered }: MergeWork): Found[] {
  const attempts: Found[] = [];
  for (let attempt = 1; manifest.customIds.has(customIdOf(question, attempt)); attempt++) {
    const found = gathered.found.get(customIdOf(question, attempt));
    if (found) attempts.push(found);
  }
  return attempts;
}

async function failureOf({ answers: [first, second], failure }: Found, work: MergeWork): Promise<PixtralError> {
  if (first && second) {
    return new PixtralError(
      'input',
      `${first.place.where} and ${second.place.where}: answer the same request differently`,
      {
        hint: 'was the job sent twice? remove one of the two, or ask again: pixtral batch split --left',
      },
    );
  }
  const result = await resultAt(failure ?? first!.place, work);
  const said = result.kind === 'failed' ? result.message : 'has changed while it was read';
  return new PixtralError('machine', `${work.manifest.head!.host}: ${said}`, {
    hint: 'ask again what failed: pixtral batch split --left',
  });
}

async function resultAt(place: ResultPlace, { files }: MergeWork): Promise<ReturnType<typeof hostResult>> {
  const line = parsed(await files.read(place));
  return hostResult(typeof line === 'object' ? line.value : undefined);
}

async function answerAt(
  place: ResultPlace,
  { record, work, problemOf }: { record: AskedRecord; work: MergeWork; problemOf: SchemaProblem },
): Promise<Answer> {
  const result = await resultAt(place, work);
  if (result.kind === 'failed') throw new PixtralError('input', `${place.where}: has changed while it was read`);
  const { manifest } = work;
  const { host, model } = manifest.head!;
  const asked = record.form === undefined ? undefined : manifest.forms.get(record.form);
  const text = asked?.kind === 'choices' ? choiceIn(result.answer.text, hosts[host].form(asked)) : result.answer.text;
  const answer = answerOf(record, { said: { ...result.answer, text }, model });
  const { tool_calls: calls = [], finish } = answer;
  const problem = finish === 'stop' ? callsProblem(calls, record.toolChoice ?? 'auto') : undefined;
  if (problem !== undefined) throw new PixtralError('input', `answer: ${problem}`);
  return asked && !answer.tool_calls ? checkedAnswer(answer, { asked, problemOf }) : answer;
}

/** Where a choice was asked for as an object. */
function choiceIn(text: string, form: object | undefined): string {
  if (!form || !('response_format' in form)) return text;
  try {
    const value: unknown = JSON.parse(text);
    const choice = (value as Record<string, unknown> | null)?.[choiceField];
    return typeof choice === 'string' ? choice : text;
  } catch {
    return text;
  }
}

function answerOf(record: AskedRecord, { said, model }: { said: HostAnswer; model: string }): Answer {
  const { images, imageMs, sampling } = record;
  const { calls, thoughts, reasoningTokens } = said.reply;
  const image = images.reduce((sum, { tokens }) => sum + tokens, 0);
  return {
    model: said.model ?? model,
    text: said.text,
    finish: said.finish,
    images: images.map((receipt) => ({ ...receipt, cached: false })),
    ...(record.reasoning === 'show' && thoughts !== '' && { reasoning: thoughts }),
    ...(calls.length > 0 && { tool_calls: [...calls] }),
    usage: {
      prompt: said.promptTokens,
      image,
      completion: said.completionTokens,
      ...(reasoningTokens !== undefined && reasoningTokens > 0 && { reasoning: reasoningTokens }),
    },
    timings: { load_ms: 0, image_ms: imageMs, encode_ms: 0, prefill_ms: 0, decode_ms: 0 },
    sampling,
    ...(record.logprobs === true && { logprobs: textLogprobs({ ...said.reply, text: said.text }, undefined) ?? [] }),
  };
}

const mostValidators = 64;

/** A validator takes milliseconds to make. */
function schemaProblems(): SchemaProblem {
  const made = new Map<string, ReturnType<SchemaProblem>>();
  return (schema) => {
    const key = JSON.stringify(schema);
    const problem = made.get(key) ?? schemaValidator(schema);
    if (made.size >= mostValidators) made.clear(); // where every record has its own
    made.set(key, problem);
    return problem;
  };
}

const mostNamed = 20;

function tell(
  { counts, missing, failedBefore }: { counts: MergeCounts; missing: readonly string[]; failedBefore: number },
  { flags, io, folder, note }: MergeWork,
): void {
  if (flags.quiet === true) return;
  if (flags.json === true) {
    io.stderr.write(jsonLine({ event: 'end', ...counts, failedBefore, missing_ids: missing }));
    return;
  }
  if (missing.length > 0) {
    const others = missing.length > mostNamed ? ` and ${missing.length - mostNamed} more (--json names all)` : '';
    const named = missing
      .slice(0, mostNamed)
      .map((id) => JSON.stringify(id))
      .join(', ');
    note(
      `no result for ${named}${others}; with --left pixtral batch split makes jobs in ${folder} of what is not answered`,
    );
  }
  const { answered, failed, skipped, missing: none } = counts;
  const before = failedBefore === 0 ? '' : ` (${failedBefore} of them had failed)`;
  io.stderr.write(`${answered} answered, ${failed} failed, ${none} missing, ${skipped} written before${before}\n`);
}
