import { join } from 'node:path';
import type { RecordOutcome } from '../../asking/answer-records.ts';
import type { Decided } from '../../asking/events.ts';
import { openAnswers } from '../../wires/answers-journal.ts';
import { type WrittenLine, batchLine } from '../../wires/batch-line.ts';
import { decidedShape } from '../../wires/decided-shape.ts';
import type { DecisionOptions } from '../../asking/decisions/decision.ts';
import { decidedJson } from '../../wires/decisions.ts';
import type { Journal } from '../../store/journal.ts';
import type { Io } from '../io.ts';
import { defaults } from '../options.ts';
import { type AnswerFiles, answerFiles } from './answer-files.ts';
import type { BatchEntry } from './entry.ts';
import { shownAt } from '../../output/printable.ts';

export interface ResultFlags {
  output?: string;
  outputDir?: string;
  retryFailed?: boolean;
  json?: boolean;
}

/** Decisions as a record of that style is told them. */
const shapeOf = (
  decided: Decided,
  { style, endpoint, hash, reading }: BatchEntry & { hash: string | undefined; reading: DecisionOptions },
): object => (style === 'openai' ? decidedShape(decided, { endpoint, hash }) : decidedJson(decided, reading));

const uncalibrated: DecisionOptions = { temperatures: {}, unsure: defaults.unsure };

interface ResultsOptions {
  entries: readonly BatchEntry[];
  io: Io;
  /** How decisions are read. */
  reading?: DecisionOptions;
}

export interface Results {
  /** Whether an earlier run has settled this very question. */
  isDone(entry: BatchEntry, hash: string | undefined): boolean;
  /** What an earlier run wrote about a record. */
  before(entry: BatchEntry): WrittenLine | undefined;
  /** What the user should know before anything is done. */
  notes: string[];
  write(entry: BatchEntry, outcome: Exclude<RecordOutcome, { kind: 'skipped' }>): Promise<void>;
  close(): Promise<void>;
}

/** Where lines go: standard output, or a file that can be gone on with, and beside it a folder of answers. */
export async function openResults(
  flags: ResultFlags,
  { entries, io, reading = uncalibrated }: ResultsOptions,
): Promise<Results> {
  const { outputDir, output = outputDir === undefined ? '-' : join(outputDir, 'batch.jsonl') } = flags;
  const files =
    outputDir === undefined ? undefined : await answerFiles(outputDir, { entries, json: flags.json === true });
  if (output === '-') {
    return results({
      flags,
      reading,
      written: new Map(),
      files,
      append: async (line) => io.stdout.write(`${shownAt(io.stdout, line)}\n`),
    });
  }
  const { journal, written } = await openAnswers(output);
  return {
    ...results({ flags, reading, written, files, append: (line) => journal.append(line) }),
    notes: notesOf(journal, output),
    close: () => journal.close(),
  };
}

function notesOf({ repaired, unlocked }: Journal, path: string): string[] {
  return [
    ...(repaired ? [`${path}: its last line was half written and is cut off; its record is done again`] : []),
    ...(unlocked ? [`${path}: this disk knows no locks, so no other process may write to it`] : []),
  ];
}

function results({
  flags,
  reading,
  written,
  files,
  append,
}: {
  flags: ResultFlags;
  reading: DecisionOptions;
  written: Map<string, WrittenLine>;
  files: AnswerFiles | undefined;
  append: (line: string) => Promise<void>;
}): Results {
  const resultOf = (entry: BatchEntry, outcome: Exclude<RecordOutcome, { kind: 'skipped' }>) => {
    if (outcome.kind === 'answered') return { answer: outcome.answer };
    return outcome.kind === 'decided'
      ? { shape: shapeOf(outcome.decided, { ...entry, hash: outcome.hash, reading }) }
      : { error: outcome.error };
  };
  const before = ({ id }: BatchEntry): WrittenLine | undefined => written.get(String(id));
  return {
    before,
    isDone(entry, hash) {
      const line = before(entry);
      return line !== undefined && line.hash === hash && !(line.failed && flags.retryFailed === true);
    },
    notes: [],
    async write(entry, outcome) {
      const { hash } = outcome;
      const answer = outcome.kind === 'answered' ? outcome.answer : undefined;
      await files?.write(entry, answer); // before the line, which says that all is done
      await append(batchLine({ ...entry, hash, replaces: before(entry)?.hash }, resultOf(entry, outcome)));
    },
    close: async () => {},
  };
}
