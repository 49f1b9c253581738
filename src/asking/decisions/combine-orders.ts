import type { DecisionQuestion, DecisionReading } from './question.ts';

/** What was read of one order of a question's options. */
interface OrderReading {
  /** By option, of the whole vocabulary's. */
  probabilities: ArrayLike<number>;
  argmaxIsOption: boolean;
}

/** The mean of all orders. */
export function combineOrders(question: DecisionQuestion, orders: readonly OrderReading[]): DecisionReading {
  const read = orders.map(({ probabilities }) => Array.from(probabilities));
  const masses = read.map(sum);
  const shares = read.map((probabilities, order) =>
    probabilities.map((value) => (masses[order]! > 0 ? value / masses[order]! : 1 / probabilities.length)),
  );
  const byOption = shares[0]!.map((_, option) => shares.map((order) => order[option]!));
  return {
    question,
    probabilities: byOption.map(mean),
    mass: mean(masses),
    argmaxIsOption: orders.every(({ argmaxIsOption }) => argmaxIsOption),
    orderEffect:
      orders.length === 1
        ? undefined
        : Math.max(...byOption.map((values) => Math.max(...values) - Math.min(...values))),
  };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
