import { foldsOf } from './folds.ts';

/** What was read about one labelled picture: probabilities by option, and which option is right. */
export interface LabelledReading {
  probabilities: readonly number[];
  right: number;
  /** Its picture, and what else others may have in common with it; nothing by default. */
  about?: readonly string[];
}

export interface Reliability {
  /** Expected calibration error: how far confidence and accuracy are apart, on average over the examples. */
  error: number;
  /** By tenths of confidence. */
  bins: { count: number; confidence: number; accuracy: number }[];
}

export interface Calibration {
  /** Probabilities raised to 1 / temperature are as sure as they are right. */
  temperature: number;
  examples: number;
  /** Of examples that have nothing in common with others. */
  groups: number;
  accuracy: number;
  /** Area under the ROC curve, the mean over options where there are more than two; undefined where none or all are right. */
  auroc: number | undefined;
  before: Reliability;
  /** Each example at the temperature that the examples of other folds gave. */
  after: Reliability;
}

const mostFolds = 5;
/** Fewer say nothing about a temperature. */
export const fewestExamples = 20;

/** Fits one question's temperature: 1 unless answers that it was not fitted to are told better by another one. */
export function calibrate(readings: readonly LabelledReading[]): Calibration {
  const abouts = readings.map(({ about = [] }) => about);
  const { folds, groups } = foldsOf(abouts, mostFolds);
  const temperatures = Array.from({ length: mostFolds }, (_, fold) =>
    fitTemperature(readings.filter((__, index) => folds[index] !== fold)),
  );
  const held = readings.map(({ probabilities, right }, index) => ({
    right,
    probabilities: atTemperature(probabilities, temperatures[folds[index]!]!),
  }));
  const isBetter = surprise(held) < surprise(readings) - leastGain;
  return {
    temperature: isBetter ? fitTemperature(readings) : 1,
    examples: readings.length,
    groups,
    accuracy: readings.filter(isRight).length / readings.length,
    auroc: meanAuroc(readings),
    before: reliability(readings),
    after: reliability(isBetter ? held : readings),
  };
}

/** Natural units of log-likelihood: less may be chance. */
const leastGain = 1;

/** Probabilities flattened (above 1) or sharpened (below). */
export function atTemperature(probabilities: readonly number[], temperature: number): number[] {
  const powers = probabilities.map((probability) => probability ** (1 / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** Of the prior: two questions of three are within a factor of 1.65. */
const spread = 0.5;
const coldest = Math.log(0.05);
const hottest = Math.log(20);
const golden = (Math.sqrt(5) - 1) / 2;

/**
 * The temperature at which the right options are likeliest, drawn to 1 by a normal prior on its logarithm: a few right answers
 * are no proof that all will be, and would make any model certain. Found by golden section.
 */
function fitTemperature(readings: readonly LabelledReading[]): number {
  let [low, high] = [coldest, hottest];
  while (high - low > 1e-4) {
    const [left, right] = [high - golden * (high - low), low + golden * (high - low)];
    if (cost(readings, left) < cost(readings, right)) high = right;
    else low = left;
  }
  return Math.exp((low + high) / 2);
}

/** Negative log-likelihood. */
function surprise(readings: readonly LabelledReading[]): number {
  return readings.reduce((sum, { probabilities, right }) => sum - Math.log(Math.max(probabilities[right]!, 1e-300)), 0);
}

/** The same at another temperature, with the prior. */
function cost(readings: readonly LabelledReading[], logTemperature: number): number {
  const temperature = Math.exp(logTemperature);
  const tempered = readings.map(({ probabilities, right }) => ({
    right,
    probabilities: atTemperature(probabilities, temperature),
  }));
  return surprise(tempered) + (logTemperature / spread) ** 2 / 2;
}

export function reliability(readings: readonly LabelledReading[]): Reliability {
  const sums = Array.from({ length: 10 }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const reading of readings) {
    const confidence = Math.max(...reading.probabilities);
    const bin = sums[Math.min(9, Math.floor(confidence * 10))]!;
    bin.count++;
    bin.confidence += confidence;
    if (isRight(reading)) bin.right++;
  }
  const error = sums.reduce((sum, { confidence, right }) => sum + Math.abs(confidence - right), 0) / readings.length;
  const bins = sums.map(({ count, confidence, right }) => ({
    count,
    confidence: count === 0 ? 0 : confidence / count,
    accuracy: count === 0 ? 0 : right / count,
  }));
  return { error, bins };
}

function isRight({ probabilities, right }: LabelledReading): boolean {
  return probabilities[right] === Math.max(...probabilities);
}

function meanAuroc(readings: readonly LabelledReading[]): number | undefined {
  const options = readings[0]!.probabilities.length;
  const areas = Array.from({ length: options === 2 ? 1 : options }, (_, option) =>
    auroc(readings.map(({ probabilities, right }) => ({ score: probabilities[option]!, positive: right === option }))),
  ).filter((area) => area !== undefined);
  return areas.length === 0 ? undefined : areas.reduce((sum, area) => sum + area, 0) / areas.length;
}

/** How often a positive example has the larger score of a pair; equal scores count half (Mann and Whitney's U). */
function auroc(examples: readonly { score: number; positive: boolean }[]): number | undefined {
  const sorted = examples.toSorted((a, b) => a.score - b.score);
  const positives = sorted.filter(({ positive }) => positive).length;
  const negatives = sorted.length - positives;
  if (positives === 0 || negatives === 0) return undefined;
  let ranks = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (sorted[to]?.score === sorted[from]!.score) to++;
    const tied = sorted.slice(from, to).filter(({ positive }) => positive).length;
    ranks += tied * ((from + 1 + to) / 2);
    from = to;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives);
}
