import type { Comparison, Difference } from '../convert/compare.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** Differences shown of each kind unless all are asked for. */
const shownDifferences = 20;

/** Differences as `name  a  b` lines; `-` where one side has nothing. */
export function comparisonText(comparison: Comparison, { all }: { all: boolean }): string {
  const { a, b, sameWeights, settings, tensors, sameTensors } = comparison;
  const weights =
    sameWeights === undefined ? 'one of the two has no pair id' : sameWeights ? 'the same' : 'not the same';
  return [
    table([
      ['a', printable(a)],
      ['b', printable(b)],
      ['weights', weights],
    ]),
    section('settings that differ', settings, { all }),
    section(`tensors that differ in type or shape (${sameTensors} do not)`, tensors, { all }),
  ].join('');
}

function section(title: string, differences: readonly Difference[], { all }: { all: boolean }): string {
  if (differences.length === 0) return `no ${title}\n`;
  const shown = all ? differences : differences.slice(0, shownDifferences);
  const rows = shown.map(({ name, a, b }) => [`  ${printable(name)}`, short(a), short(b)]);
  const rest = differences.length - shown.length;
  return `${differences.length} ${title}\n${table(rows)}${rest > 0 ? `  and ${rest} more: --tensors lists all\n` : ''}`;
}

function short(value: string | undefined): string {
  if (value === undefined) return '-';
  const text = printable(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
