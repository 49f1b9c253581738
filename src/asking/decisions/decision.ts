import { atTemperature } from './calibration.ts';
import { type DecisionQuestion, type DecisionReading, optionsOf } from './question.ts';

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
  /** Of the probabilities. */
  temperature: number;
  unsure: boolean;
}

export interface DecisionOptions {
  /** By question; 1 where it was not calibrated. */
  temperatures: Readonly<Record<string, number>>;
  /** Options that have less of the whole probability than this are no answer. */
  unsure: number;
}

export function decisionOf(reading: DecisionReading, { temperatures, unsure }: DecisionOptions): Decision {
  const temperature = temperatureOf(reading.question, temperatures);
  return calibratedDecision(
    { ...reading, temperature, probabilities: atTemperature(reading.probabilities, temperature) },
    unsure,
  );
}

/** @param reading probabilities at the temperature beside them */
export function calibratedDecision(
  {
    question,
    probabilities: shares,
    mass,
    argmaxIsOption,
    orderEffect,
    temperature,
  }: DecisionReading & { temperature: number },
  unsure: number,
): Decision {
  const values = optionsOf(question).map(({ value }) => value);
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
    temperature,
    unsure: mass < unsure,
  };
}

/** 1 where it was not calibrated. */
export function temperatureOf({ name }: DecisionQuestion, temperatures: DecisionOptions['temperatures']): number {
  return Object.hasOwn(temperatures, name) ? temperatures[name]! : 1;
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

function round(value: number): number {
  return Number(value.toPrecision(6));
}
