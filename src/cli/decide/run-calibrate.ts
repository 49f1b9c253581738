import { dirname } from 'node:path';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import { writeWhole } from '../../base/files.ts';
import { answerRecords } from '../../asking/answer-records.ts';
import {
  type Calibration,
  type LabelledReading,
  calibrate,
  fewestExamples,
} from '../../asking/decisions/calibration.ts';
import { type DecisionQuestion, optionsOf } from '../../asking/decisions/question.ts';
import type { ModelIdentity } from '../../engine/runtime/model-identity.ts';
import { listedSources } from '../../image/sources/expand.ts';
import { type BatchCounts, batchProgress } from '../../output/batch-progress.ts';
import { noteLine } from '../../output/note.ts';
import { calibrationSvg, calibrationText as calibrationTable } from '../../output/calibration.ts';
import { errorJson } from '../../wires/error-json.ts';
import { jsonLine } from '../../wires/json.ts';
import type { BatchEntry, CommonQuestion } from '../batch/entry.ts';
import { readText } from '../batch/read-text.ts';
import { type Fields, asRecord, textList, wrong } from '../../wires/fields.ts';
import { count, endings, labelOf, openAnswerer } from '../batch/run-batch.ts';
import { pictureSettings } from '../picture-flags.ts';
import { type Fitting, calibrationText } from './calibration-file.ts';
import type { DecideRun } from './run-decide.ts';

/** A picture with the right answers, by question. */
interface Labelled extends BatchEntry {
  right: ReadonlyMap<string, number>;
  /** 0-based line. */
  index: number;
  /** What its line says it has in common with others. */
  group: string | undefined;
}

/**
 * Asks about labelled pictures and fits a temperature for each question: `{"image":"a.png","answers":{"person":true,"kind":"letter"}}`
 * Writes it to `--calibration` (by default beside the labels), with a diagram, and shows what it is worth.
 */
export async function runCalibrate(
  labels: string,
  { questions, common, run }: { questions: readonly DecisionQuestion[]; common: CommonQuestion; run: DecideRun },
): Promise<void> {
  const { flags, io } = run;
  const entries = labelledEntries(await readText(labels, 'labelled pictures in JSONL'), { labels, questions, common });
  const { readings, model } = await readAll(entries, { questions, common, run });
  const found = Object.fromEntries(questions.map(({ name }) => [name, fitted(name, readings.get(name)!)]));
  if (flags.quiet !== true)
    for (const note of fewGroups(found)) io.stderr.write(noteLine(note, { json: flags.json === true }));
  const path = flags.calibration ?? `${labels}.calibration.json`;
  await writeCalibration(path, { found, fitting: { model, questions, labels: flags.labels }, run });
  io.stdout.write(flags.json === true ? jsonLine({ calibration: path, questions: found }) : calibrationTable(found));
}

function labelledEntries(
  text: string,
  { labels, questions, common }: { labels: string; questions: readonly DecisionQuestion[]; common: CommonQuestion },
): Labelled[] {
  const entries: Labelled[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${labels}, line ${index + 1}`;
    const fields = { where, record: asRecord(parsed(line, where), where) };
    const { options, detail, decisions } = common;
    entries.push({
      id: `line ${index + 1}`,
      where,
      style: 'plain',
      index,
      right: rightAnswers(fields, questions),
      group: groupOf(fields),
      async question() {
        const words = textList(fields.record['images'] ?? fields.record['image'], `${where}: images`);
        const images = (
          await Promise.all(words.map((word) => listedSources(word, { folder: dirname(labels), where })))
        ).flat();
        const content = images.map((image) => ({ kind: 'image', image }) as const);
        return { messages: [{ role: 'user', content }], options, decisions, detail };
      },
    });
  }
  if (entries.length > 0) return entries;
  throw new PixtralError('input', `${labels}: holds no labelled pictures, expected JSON objects, one a line`);
}

function parsed(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new PixtralError('input', `${where}: is no JSON: ${reasonOf(cause)}`, { cause });
  }
}

function groupOf({ where, record: { group } }: Fields): string | undefined {
  if (group === undefined || group === null) return undefined;
  if (typeof group === 'string' || typeof group === 'number') return String(group);
  throw wrong(`${where}: group`, group, 'a name or a number');
}

/** By question the option that is right; questions that the line does not answer are left out. */
function rightAnswers({ where, record }: Fields, questions: readonly DecisionQuestion[]): Map<string, number> {
  const answers = asRecord(record['answers'], `${where}: answers`);
  const right = new Map<string, number>();
  for (const question of questions) {
    const answer = Object.hasOwn(answers, question.name) ? answers[question.name] : undefined;
    if (answer === undefined || answer === null) continue;
    const said =
      typeof answer === 'boolean' && question.type === 'predicate'
        ? answer
          ? 'yes'
          : 'no'
        : typeof answer === 'string' || typeof answer === 'number'
          ? String(answer)
          : undefined;
    const values = optionsOf(question).map(({ value }) => value);
    const option = said === undefined ? -1 : values.indexOf(said);
    if (option < 0) throw wrong(`${where}: answers: ${question.name}`, answer, `one of ${values.join(', ')}`);
    right.set(question.name, option);
  }
  return right;
}

async function readAll(
  entries: readonly Labelled[],
  {
    questions,
    common,
    run: { flags, io, stdin },
  }: { questions: readonly DecisionQuestion[]; common: CommonQuestion; run: DecideRun },
): Promise<{ readings: Map<string, LabelledReading[]>; model: ModelIdentity }> {
  const readings = new Map(questions.map(({ name }) => [name, [] as LabelledReading[]]));
  const asked = entries.length * questions.length * flags.orders;
  const { answerer, job, model } = await openAnswerer({ flags, io }, { questions: asked, options: common.options });
  const progress = batchProgress(io.stderr, {
    total: entries.length,
    json: flags.json === true,
    quiet: flags.quiet === true,
  });
  const counts: BatchCounts = { done: 0, failed: 0, skipped: 0, skippedFailed: 0, again: 0 };
  try {
    const identity = await model();
    const decided = answerRecords(entries, {
      answerer,
      job,
      pictures: pictureSettings(flags, { io, stdin }),
      isDone: () => false,
      asCompleted: true,
      ...endings(io, () => {}),
      onBegin: (inWork) => progress.update(counts, labelOf(inWork)),
    });
    for await (const { task, outcome } of decided) {
      count(counts, outcome, undefined);
      if (outcome.kind === 'failed') progress.note(`${task.where}: ${errorJson(outcome.error).message}`);
      if (outcome.kind !== 'decided') continue;
      const { images, readings: read } = outcome.decided;
      const about = images.map(({ sha256 }) => `picture ${sha256}`);
      if (task.group !== undefined) about.push(`group ${task.group}`);
      for (const { question, probabilities } of read) {
        const right = task.right.get(question.name);
        if (right !== undefined) readings.get(question.name)![task.index] = { probabilities, right, about };
      }
    }
    // In the order of lines: what is found must not depend on which answer came first.
    return { readings: new Map([...readings].map(([name, all]) => [name, Object.values(all)])), model: identity };
  } finally {
    progress.end(counts);
    await answerer.close();
  }
}

function fitted(name: string, readings: readonly LabelledReading[]): Calibration {
  if (readings.length >= fewestExamples) return calibrate(readings);
  throw new PixtralError(
    'input',
    `question ${name}: has ${readings.length} labelled pictures, expected ${fewestExamples} or more`,
  );
}

/** Many lines about few pictures look like more than they are. */
function fewGroups(found: Readonly<Record<string, Calibration>>): string[] {
  return Object.entries(found).flatMap(([name, { examples, groups }]) => {
    if (groups >= fewestExamples) return [];
    const what = `${groups} ${groups === 1 ? 'picture or group of pictures' : 'pictures or groups of them'}`;
    const worth = groups === 1 ? 'nothing can be held back to prove a temperature' : 'its temperature proves little';
    return [`question ${name}: its ${examples} examples are about ${what}: ${worth}`];
  });
}

async function writeCalibration(
  path: string,
  {
    found,
    fitting,
    run: { io },
  }: { found: Readonly<Record<string, Calibration>>; fitting: Fitting; run: { io: DecideRun['io'] } },
): Promise<void> {
  const text = calibrationText(found, fitting);
  await writeWhole(path, { bytes: Buffer.from(text), force: true, signal: io.signal });
  const { drawSvg } = await import('../../image/pixels/draw-svg.ts');
  const picture = await drawSvg(calibrationSvg(found));
  await writeWhole(`${path.replace(/\.json$/, '')}.png`, { bytes: picture, force: true, signal: io.signal });
}
