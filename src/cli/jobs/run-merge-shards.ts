import { resolve } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { noteLine } from '../../output/note.ts';
import { shownAt } from '../../output/printable.ts';
import { openAnswers } from '../../wires/answers-journal.ts';
import type { WrittenLine } from '../../wires/batch-line.ts';
import { jsonLine } from '../../wires/json.ts';
import { recordId } from '../batch/record-entries.ts';
import { type ShardAnswer, gatherShards, isAnswerLine } from './gather-shards.ts';
import { ResultFiles } from './result-files.ts';
import type { MergeFlags, MergeRun } from './run-merge.ts';

interface Counts {
  answered: number;
  failed: number;
  /** Of no shard. */
  missing: number;
  /** Of an earlier merge into the same file. */
  skipped: number;
}

/**
 * Writes the lines that shards of one job have written as one file, each record's once, in the order of the records where
 * their list is given first. Returns how many have no answer: missing ones and those that failed.
 */
export async function runMergeShards(paths: readonly string[], run: MergeRun): Promise<number> {
  const { flags, io } = run;
  checkOutput(paths, flags);
  const files = new ResultFiles(run.stdin);
  try {
    const list = await recordIds(paths[0]!, files);
    const shards = list ? paths.slice(1) : paths;
    const { answers, cut, models } = await gatherShards(shards, { files, signal: io.signal });
    const note = (text: string): void => {
      if (flags.quiet !== true) io.stderr.write(noteLine(text, { json: flags.json === true }));
    };
    for (const where of cut) note(`${where}: is half written, and passed over`);
    if (models.size > 1) note(`${places(models)}: answered by different models, expected parts of one job`);
    const ids = list ?? new Set(answers.keys());
    const unknown = [...answers.keys()].filter((id) => !ids.has(id));
    if (unknown.length > 0) note(`${named(unknown)}: answered, and no record of ${paths[0]}; left out`);
    const output = await openOutput(flags, run);
    try {
      const { counts, missing } = await writeAll(ids, { answers, files, output, signal: io.signal });
      tell({ counts, missing }, { flags, io, note });
      return counts.failed + counts.missing;
    } finally {
      await output.close();
    }
  } finally {
    await files.close();
  }
}

function checkOutput(paths: readonly string[], { output, outputDir }: MergeFlags): void {
  if (outputDir !== undefined) {
    throw new PixtralError('usage', '--output-dir: is for the results of hosts, expected -o or nothing for shards', {
      hint: 'give batch itself --output-dir: all shards may write their texts into the same folder',
    });
  }
  if (output === undefined || output === '-') return;
  const same = paths.find((path) => path !== '-' && resolve(path) === resolve(output));
  if (same === undefined) return;
  throw new PixtralError('usage', `-o ${output}: is one of the files to be merged, expected another one`);
}

/** Those of a list of records, in their order; undefined for a file of answers. */
async function recordIds(path: string, files: ResultFiles): Promise<Set<string> | undefined> {
  const ids = new Set<string>();
  let isList: boolean | undefined;
  let number = 0;
  for await (const { bytes } of files.lines(path)) {
    number++;
    // Read to its end in any case: a file that is left early cannot be read again.
    const id = recordId(bytes, { name: path, number });
    if (id === undefined) continue;
    isList ??= !isAnswerLine(bytes);
    if (isList) ids.add(String(id));
  }
  return isList === true ? ids : undefined;
}

interface Output {
  before(id: string): WrittenLine | undefined;
  write(line: string): Promise<void>;
  close(): Promise<void>;
}

async function openOutput({ output = '-' }: MergeFlags, { io }: Pick<MergeRun, 'io'>): Promise<Output> {
  if (output === '-') {
    const write = async (line: string): Promise<void> => io.stdout.write(shownAt(io.stdout, `${line}\n`));
    return { before: () => undefined, write, close: async () => {} };
  }
  const { journal, written } = await openAnswers(output);
  return { before: (id) => written.get(id), write: (line) => journal.append(line), close: () => journal.close() };
}

async function writeAll(
  ids: ReadonlySet<string>,
  {
    answers,
    files,
    output,
    signal,
  }: { answers: ReadonlyMap<string, ShardAnswer>; files: ResultFiles; output: Output; signal: AbortSignal },
): Promise<{ counts: Counts; missing: string[] }> {
  const counts: Counts = { answered: 0, failed: 0, missing: 0, skipped: 0 };
  const missing: string[] = [];
  for (const id of ids) {
    signal.throwIfAborted();
    const answer = answers.get(id);
    const before = output.before(id);
    if (answer ? isWritten(before, answer) : before && !before.failed) {
      if (before?.failed === true) counts.failed++;
      else counts.skipped++;
    } else if (!answer) missing.push(id);
    else {
      counts[answer.failed ? 'failed' : 'answered']++;
      const line = new TextDecoder().decode(await files.read(answer.place));
      await output.write(line.replace(/\r$/, '')); // of an editor, or a transfer between systems
    }
  }
  return { counts: { ...counts, missing: missing.length }, missing };
}

/** An answer that is there is not given up for a failure. */
function isWritten(before: WrittenLine | undefined, { hash, failed }: ShardAnswer): boolean {
  if (!before) return false;
  return before.failed ? failed && before.hash === hash : failed || before.hash === hash;
}

function places(models: ReadonlyMap<string, string>): string {
  return [...models].map(([model, where]) => `${where} (${JSON.stringify(model)})`).join(', ');
}

const mostNamed = 20;

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, mostNamed).map((id) => JSON.stringify(id));
  const others = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more (--json names all)` : '';
  return `${shown.join(', ')}${others}`;
}

function tell(
  { counts, missing }: { counts: Counts; missing: readonly string[] },
  { flags, io, note }: Pick<MergeRun, 'flags' | 'io'> & { note: (text: string) => void },
): void {
  if (flags.quiet === true) return;
  if (flags.json === true) {
    io.stderr.write(jsonLine({ event: 'end', ...counts, missing_ids: missing }));
    return;
  }
  if (missing.length > 0) note(`no answer to ${named(missing)}: the same batch with its --shard and -o goes on`);
  const { answered, failed, skipped, missing: none } = counts;
  io.stderr.write(`${answered} answered, ${failed} failed, ${none} missing, ${skipped} written before\n`);
}
