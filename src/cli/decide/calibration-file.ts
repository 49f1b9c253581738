import { PixtralError } from '../../base/errors.ts';
import type { Calibration } from '../../asking/decisions/calibration.ts';
import type { DecisionQuestion, LabelStyle } from '../../asking/decisions/question.ts';
import type { ModelIdentity } from '../../engine/runtime/model-identity.ts';
import { readText } from '../batch/read-text.ts';

/** What was asked of which model when temperatures were fitted. */
export interface Fitting {
  model: ModelIdentity;
  questions: readonly DecisionQuestion[];
  labels: LabelStyle;
}

/** Temperatures by question, and what they hold for: of a file that does not say it, all. */
export interface CalibrationFile {
  path: string;
  temperatures: Readonly<Record<string, number>>;
  model: unknown;
  questions: unknown;
}

export function calibrationText(
  found: Readonly<Record<string, Calibration>>,
  { model, questions, labels }: Fitting,
): string {
  const temperatures = Object.fromEntries(Object.entries(found).map(([name, { temperature }]) => [name, temperature]));
  const asked = Object.fromEntries(questions.map((question) => [question.name, { ...question, labels }]));
  return `${JSON.stringify({ version: 1, model, temperatures, questions: asked, measured: found }, undefined, 1)}\n`;
}

/** Temperatures by question, as `--calibrate` writes them. @throws PixtralError `input` for any other file */
export async function readCalibration(path: string): Promise<CalibrationFile> {
  const text = await readText(path, 'a calibration');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PixtralError('input', `${path}: is no JSON, expected a calibration`, { cause });
  }
  const { temperatures: found, model, questions } = fieldsOf(value);
  const temperatures = Object.entries(fieldsOf(found));
  if (temperatures.length > 0 && temperatures.every(isTemperature)) {
    return { path, temperatures: Object.fromEntries(temperatures), model, questions };
  }
  throw new PixtralError('input', `${path}: has no temperatures, expected what pixtral decide --calibrate writes`);
}

/** A temperature fitted for something else makes numbers that mean nothing. @throws PixtralError `input` */
export function checkCalibration({ path, model, questions }: CalibrationFile, now: Fitting): void {
  const fitted = fieldsOf(model);
  const { name, weights } = now.model;
  const knowsWeights = typeof fitted['weights'] === 'string' && weights !== undefined;
  if (typeof fitted['name'] === 'string' && (knowsWeights ? fitted['weights'] !== weights : fitted['name'] !== name)) {
    const other = fitted['name'] === name ? `other weights of ${name}` : `the model ${fitted['name']}, this is ${name}`;
    throw new PixtralError('input', `${path}: was fitted for ${other}`, { hint: 'fit it again with --calibrate' });
  }
  const asked = fieldsOf(questions);
  for (const question of now.questions) {
    if (!Object.hasOwn(asked, question.name)) continue;
    if (JSON.stringify(asked[question.name]) === JSON.stringify({ ...question, labels: now.labels })) continue;
    throw new PixtralError('input', `${path}: question ${question.name}: was another one when it was calibrated`, {
      hint: 'ask it as then, or fit it again with --calibrate',
    });
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isTemperature(one: [string, unknown]): one is [string, number] {
  return typeof one[1] === 'number' && one[1] > 0;
}
