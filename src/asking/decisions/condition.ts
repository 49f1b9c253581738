import type { Decision } from './decision.ts';

export type Truth = boolean | 'unsure';
export type Comparison = '>' | '>=' | '<' | '<=' | '=' | '!=';
/** What `--where` says of answers. */
export type Condition =
  | { kind: 'and' | 'or'; left: Condition; right: Condition }
  | { kind: 'not'; inner: Condition }
  | { kind: 'compare'; name: string; option: string | undefined; comparison: Comparison; to: string };

/**
 * Kleene's logic: what is unsure makes all unsure that depends on it, and so does its opposite. Left to right: the name of a
 * question where its answer is needed and not there.
 */
export function holds(condition: Condition, decisions: readonly Decision[]): Truth | { ask: string } {
  switch (condition.kind) {
    case 'not': {
      const inner = holds(condition.inner, decisions);
      return typeof inner === 'boolean' ? !inner : inner;
    }
    case 'and':
    case 'or': {
      const decisive = condition.kind === 'or';
      const left = holds(condition.left, decisions);
      if (typeof left === 'object' || left === decisive) return left;
      const right = holds(condition.right, decisions);
      return left === 'unsure' && right === !decisive ? left : right;
    }
    case 'compare': {
      const decision = decisions.find(({ name }) => name === condition.name);
      const isThere =
        decision && (condition.option === undefined || Object.hasOwn(decision.probabilities, condition.option));
      if (!isThere) return { ask: condition.name };
      return decision.unsure ? 'unsure' : compares(condition, decision);
    }
    default:
      return condition satisfies never;
  }
}

function compares(
  { option, comparison, to }: Extract<Condition, { kind: 'compare' }>,
  { value: own, choice, probabilities }: Decision,
): boolean {
  const limit = Number(to);
  if (option === undefined && Number.isNaN(limit)) return (choice === to) === (comparison === '=');
  const value = option === undefined ? own : probabilities[option]!;
  switch (comparison) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '=':
      return option === undefined && Object.hasOwn(probabilities, to) ? choice === to : value === limit;
    case '!=':
      return option === undefined && Object.hasOwn(probabilities, to) ? choice !== to : value !== limit;
    default:
      return comparison satisfies never;
  }
}
