import type { Decided } from '../asking/events.ts';
import { atTemperature } from '../asking/decisions/calibration.ts';
import {
  type Decision,
  type DecisionOptions,
  calibratedDecision,
  decisionOf,
  temperatureOf,
} from '../asking/decisions/decision.ts';
import { type DecisionQuestion, optionsOf } from '../asking/decisions/question.ts';

/** A line of `pixtral decide`, but for its id. */
export function decidedJson(
  { model, readings, images, usage, timings, server }: Decided,
  options: DecisionOptions,
): object {
  const answers = readings.map((reading) => decisionJson(decisionOf(reading, options)));
  return { model, answers, images, usage, timings, ...(server && { server }) };
}

/** Answers of a line that an earlier run wrote: a list, or System One's map, which has masses beside it. */
export interface WrittenAnswers {
  answers: unknown;
  diagnostics?: unknown;
}

/** What they say as this run reads it, by question; what cannot be read is left out. */
export function writtenDecisions(
  written: WrittenAnswers,
  { questions, reading }: { questions: readonly DecisionQuestion[]; reading: DecisionOptions },
): Decision[] {
  return questions.flatMap((question, place) => {
    const answer = writtenAnswer(written, { question, place });
    return (answer && writtenDecision(question, { answer, reading })) ?? [];
  });
}

function writtenDecision(
  question: DecisionQuestion,
  { answer, reading: { temperatures, unsure } }: { answer: Record<string, unknown>; reading: DecisionOptions },
): Decision | undefined {
  const { mass, argmax_is_option: argmax, order_effect: effect, temperature: before = 1 } = answer;
  const shares = writtenShares(question, answer);
  if (!shares || typeof mass !== 'number' || typeof before !== 'number') return undefined;
  const temperature = temperatureOf(question, temperatures);
  const orderEffect = typeof effect === 'number' ? effect : undefined;
  const probabilities = temperature === before ? shares : atTemperature(shares, temperature / before);
  const read = { question, probabilities, mass, argmaxIsOption: argmax !== false, orderEffect, temperature };
  const decision = calibratedDecision(read, unsure);
  // Of rounded probabilities the score would be another one in its last digit.
  const isOurs = question.type === 'score' && temperature === before && !Array.isArray(answer['probabilities']);
  return isOurs && typeof answer['score'] === 'number' ? { ...decision, value: answer['score'] } : decision;
}

function writtenAnswer(
  { answers, diagnostics }: WrittenAnswers,
  { question: { name, unnamed }, place }: { question: DecisionQuestion; place: number },
): Record<string, unknown> | undefined {
  if (Array.isArray(answers)) {
    const listed = answers.map(asObject);
    return (
      listed.find((one) => one?.['name'] === name) ??
      (unnamed && listed[place]?.['name'] === null ? listed[place] : undefined)
    );
  }
  const answer = ownObject(answers, name);
  const { label_mass: mass, argmax_is_label: argmax } = ownObject(diagnostics, name) ?? {};
  if (!answer) return undefined;
  const { type, noul, probabilities } = answer;
  // Levels are called by their place.
  const listed =
    type === 'score'
      ? Object.values(asObject(probabilities) ?? {}).map((probability) => ({ probability }))
      : probabilities;
  return {
    ...answer,
    type: type === 'noul' ? 'predicate' : type,
    probability: noul,
    probabilities: listed,
    mass,
    argmax_is_option: argmax,
  };
}

/** By option. */
function writtenShares(
  question: DecisionQuestion,
  { type, probability, probabilities }: Record<string, unknown>,
): number[] | undefined {
  if (type !== question.type) return undefined;
  const options = optionsOf(question);
  const shares =
    type === 'predicate' && typeof probability === 'number'
      ? [probability, 1 - probability]
      : Array.isArray(probabilities)
        ? probabilities.map((one) => asObject(one)?.['probability'])
        : options.map(({ value }) =>
            Object.hasOwn(asObject(probabilities) ?? {}, value) ? asObject(probabilities)![value] : undefined,
          );
  const numbers = shares.filter((share) => typeof share === 'number');
  return numbers.length === options.length ? numbers : undefined;
}

function ownObject(value: unknown, name: string): Record<string, unknown> | undefined {
  const object = asObject(value);
  return object && Object.hasOwn(object, name) ? asObject(object[name]) : undefined;
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function decisionJson({ name, type, probabilities, choice, value, ...reading }: Decision): object {
  const { mass, argmaxIsOption, orderEffect, temperature, unsure } = reading;
  return {
    name,
    type,
    ...(type === 'predicate' && { probability: value }),
    ...(type === 'choice' && { choice, confidence: value, probabilities }),
    ...(type === 'score' && { score: value, probabilities }),
    ...(temperature !== 1 && { temperature }),
    mass,
    argmax_is_option: argmaxIsOption,
    ...(orderEffect !== undefined && { order_effect: orderEffect }),
    ...(unsure && { unsure }),
  };
}
