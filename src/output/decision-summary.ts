import type { Decision } from '../asking/decisions/decision.ts';
import { printableLine } from './printable.ts';
import { table } from './table.ts';

/** What all answers to each question come to. */
export interface DecisionSummary {
  add(decisions: readonly Decision[]): void;
  /** A table with a line for each question; empty where nothing was answered. */
  text(): string;
}

interface Tally {
  type: Decision['type'];
  answered: number;
  unsure: number;
  mass: number;
  /** Of scores, those that are unsure left out. */
  total: number;
  /** By option. */
  counts: Map<string, number>;
}

/** Records may bring questions of their own, each under another name. */
const mostQuestions = 50;
/** So many options stand in a line. */
const mostOptions = 6;

export function decisionSummary(): DecisionSummary {
  const tallies = new Map<string, Tally>();
  let others = 0;
  return {
    add(decisions) {
      for (const decision of decisions) {
        if (!tallies.has(decision.name) && tallies.size >= mostQuestions) others++;
        else count(tallies, decision);
      }
    },
    text() {
      if (tallies.size === 0) return '';
      const rows = Array.from(tallies, ([name, tally]) => rowOf(name, tally));
      const more = others === 0 ? '' : `and ${others} answers to questions of other names\n`;
      return `${table([['question', 'answered', 'unsure', 'mean mass', 'answers'], ...rows])}${more}${warnings(tallies)}`;
    },
  };
}

function count(tallies: Map<string, Tally>, { name, type, choice, value, mass, unsure }: Decision): void {
  const tally = tallies.get(name) ?? { type, answered: 0, unsure: 0, mass: 0, total: 0, counts: new Map() };
  tallies.set(name, tally);
  tally.answered++;
  tally.mass += mass;
  if (unsure) {
    tally.unsure++;
    return;
  }
  tally.total += value;
  tally.counts.set(choice, (tally.counts.get(choice) ?? 0) + 1);
}

function rowOf(name: string, { type, answered, unsure, mass, total, counts }: Tally): string[] {
  const sure = answered - unsure;
  const mean = type === 'score' && sure > 0 ? `mean ${(total / sure).toFixed(2)}: ` : '';
  return [
    printableLine(name),
    String(answered),
    String(unsure),
    (mass / answered).toFixed(3),
    sure === 0 ? '' : mean + countsOf(counts),
  ];
}

function countsOf(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, mostOptions).map(([option, number]) => `${printableLine(option)} ${number}`);
  const left = sorted.slice(mostOptions).reduce((sum, [, number]) => sum + number, 0);
  return [...shown, ...(left > 0 ? [`others ${left}`] : [])].join(', ');
}

/** Of questions that the model mostly wanted to answer otherwise. */
function warnings(tallies: ReadonlyMap<string, Tally>): string {
  const doubtful = [...tallies].filter(
    ([, { answered, unsure, mass }]) => unsure * 10 > answered || mass < answered / 2,
  );
  return doubtful
    .map(
      ([name, { answered, mass }]) =>
        `${printableLine(name)}: its options have ${Math.round((100 * mass) / answered)} % of the probability; the model would say something else: try other words, or --labels letters\n`,
    )
    .join('');
}
