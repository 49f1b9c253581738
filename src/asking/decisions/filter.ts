import { type Condition, holds } from './condition.ts';
import { type Decision, type DecisionOptions, decisionOf } from './decision.ts';
import type { Decisions, DecisionReading } from './question.ts';

/** Which pictures are wanted, and what is asked about those: data, so that a server can be told it. */
export interface DecisionFilter {
  condition: Condition;
  invert: boolean;
  /** How answers are read. */
  reading: DecisionOptions;
  /** What it does not speak of is asked too about pictures that match: all of it, the question they are sorted by, or nothing. */
  more: 'all' | { sort: string } | 'none';
}

/** An unsure answer lets a picture neither through nor, inverted, out. */
export function matches(
  decisions: readonly Decision[],
  { condition, invert }: Pick<DecisionFilter, 'condition' | 'invert'>,
): boolean {
  const found = holds(condition, decisions);
  return typeof found === 'boolean' && found !== invert;
}

/** The question that has to be answered next, by name; undefined when all is known. */
export function nextQuestion(
  { questions, filter }: Pick<Decisions, 'questions' | 'filter'>,
  decisions: readonly Decision[],
): string | undefined {
  const isAnswered = (name: string): boolean => decisions.some((one) => one.name === name);
  const found = filter && holds(filter.condition, decisions);
  if (typeof found === 'object') return isAnswered(found.ask) ? undefined : found.ask;
  if (filter && !matches(decisions, filter)) return undefined;
  const more = filter?.more ?? 'all';
  if (more === 'none') return undefined;
  const wanted = questions.filter(({ name }) => more === 'all' || name === more.sort);
  return wanted.find(({ name }) => !isAnswered(name))?.name;
}

/** The same from what was read. */
export function nextToRead(
  { questions, filter }: Pick<Decisions, 'questions'> & { filter: DecisionFilter },
  readings: readonly DecisionReading[],
): string | undefined {
  return nextQuestion(
    { questions, filter },
    readings.map((one) => decisionOf(one, filter.reading)),
  );
}
