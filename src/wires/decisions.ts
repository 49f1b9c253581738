import type { Decided } from '../asking/events.ts';
import { atTemperature } from '../asking/decisions/calibration.ts';
import { type DecisionReading, optionsOf } from '../asking/decisions/question.ts';

/** What a reading says once it is calibrated, and whether it says anything. */
export interface Decision {
  name: string;
  type: DecisionReading['question']['type'];
  /** By option, in its order. */
  probabilities: Readonly<Record<string, number>>;
  /** The likeliest option. */
  choice: string;
  /** Probability of yes, expected score, or of the likeliest option. */
  value: number;
  mass: number;
  argmaxIsOption: boolean;
  orderEffect: number | undefined;
  unsure: boolean;
}

export interface DecisionOptions {
  /** By question; 1 where it was not calibrated. */
  temperatures: Readonly<Record<string, number>>;
  /** Options that have less of the whole probability than this are no answer. */
  unsure: number;
}

export function decisionOf(reading: DecisionReading, { temperatures, unsure }: DecisionOptions): Decision {
  const { question, mass, argmaxIsOption, orderEffect } = reading;
  const values = optionsOf(question).map(({ value }) => value);
  const temperature = Object.hasOwn(temperatures, question.name) ? temperatures[question.name]! : 1;
  const shares = atTemperature(reading.probabilities, temperature);
  const likeliest = shares.indexOf(Math.max(...shares));
  return {
    name: question.name,
    type: question.type,
    probabilities: Object.fromEntries(values.map((value, option) => [value, round(shares[option]!)])),
    choice: values[likeliest]!,
    // Rounded here, so that a filter finds the same in lines that an earlier run wrote.
    value: round(valueOf(question.type, { shares, values, likeliest })),
    mass: round(mass),
    argmaxIsOption,
    orderEffect: orderEffect === undefined ? undefined : round(orderEffect),
    unsure: mass < unsure,
  };
}

function valueOf(
  type: Decision['type'],
  { shares, values, likeliest }: { shares: readonly number[]; values: readonly string[]; likeliest: number },
): number {
  switch (type) {
    case 'predicate':
      return shares[0]!;
    case 'choice':
      return shares[likeliest]!;
    case 'score': {
      // Levels that are numbers count as these, others from 1.
      const points = values.map(Number);
      const areNumbers = points.every((point) => !Number.isNaN(point));
      return shares.reduce((sum, share, level) => sum + share * (areNumbers ? points[level]! : level + 1), 0);
    }
    default:
      return type satisfies never;
  }
}

/** A line of `pixtral decide`, but for its id. */
export function decidedJson(
  { model, readings, images, usage, timings, server }: Decided,
  options: DecisionOptions,
): object {
  const answers = readings.map((reading) => decisionJson(decisionOf(reading, options)));
  return { model, answers, images, usage, timings, ...(server && { server }) };
}

/** The same of a line that an earlier run wrote; what is none is left out. */
export function readDecisions(answers: readonly unknown[]): Decision[] {
  return answers.flatMap((answer) => {
    if (typeof answer !== 'object' || answer === null) return [];
    const { name, type, probability, probabilities, choice, confidence, score, mass, unsure } = answer as Record<
      string,
      unknown
    >;
    const value = [probability, confidence, score].find((one) => typeof one === 'number');
    if (typeof name !== 'string' || typeof value !== 'number') return [];
    const shares = (probabilities ?? { yes: value, no: 1 - value }) as Record<string, number>;
    const likeliest = Object.keys(shares).reduce((best, option) => (shares[option]! > shares[best]! ? option : best));
    return {
      name,
      type: type as Decision['type'],
      probabilities: shares,
      choice: typeof choice === 'string' ? choice : likeliest,
      value,
      mass: Number(mass),
      argmaxIsOption: true,
      orderEffect: undefined,
      unsure: unsure === true,
    };
  });
}

function decisionJson({ name, type, probabilities, choice, value, ...reading }: Decision): object {
  const { mass, argmaxIsOption, orderEffect, unsure } = reading;
  return {
    name,
    type,
    ...(type === 'predicate' && { probability: value }),
    ...(type === 'choice' && { choice, confidence: value, probabilities }),
    ...(type === 'score' && { score: value, probabilities }),
    mass,
    argmax_is_option: argmaxIsOption,
    ...(orderEffect !== undefined && { order_effect: orderEffect }),
    ...(unsure && { unsure }),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
