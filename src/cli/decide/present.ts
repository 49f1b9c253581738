import { PixtralError } from '../../base/errors.ts';
import { type DecisionFilter, matches } from '../../asking/decisions/filter.ts';
import { csvLine } from '../../output/csv.ts';
import type { Decision } from '../../asking/decisions/decision.ts';
import type { Io } from '../io.ts';
import type { Deliver } from './deliver.ts';
import { shownAt } from '../../output/printable.ts';

export interface PresentFlags {
  where?: string;
  invert?: boolean;
  count?: boolean;
  sort?: string;
  top?: number;
  values?: boolean;
  csv?: boolean;
  null?: boolean;
}

/** Shows records on standard output that match, as they come or at the end. */
export interface Presenter {
  show(id: string, decisions: readonly Decision[]): Promise<void>;
  /** Writes what had to wait. Returns how many matched. */
  end(): Promise<number>;
}

/** Whether standard output shows something else than a JSON line for each record. */
export function presents({ where, count, sort, top, csv }: PresentFlags): boolean {
  return where !== undefined || count === true || sort !== undefined || top !== undefined || csv === true;
}

export function presenter(
  flags: PresentFlags,
  {
    filter,
    names,
    deliver,
    io,
  }: { filter: DecisionFilter | undefined; names: readonly string[]; deliver: Deliver | undefined; io: Io },
): Presenter {
  const order = sortName(flags, names);
  const waiting: { id: string; decisions: readonly Decision[] }[] = [];
  let matched = 0;
  const put = async (id: string, decisions: readonly Decision[]): Promise<void> => {
    if (flags.count !== true) io.stdout.write(shownAt(io.stdout, lineOf(id, { decisions, flags, names, order })));
    await deliver?.(id);
  };
  if (flags.csv === true && flags.count !== true) io.stdout.write(shownAt(io.stdout, csvLine(['id', ...names])));
  return {
    async show(id, decisions) {
      if (filter && !matches(decisions, filter)) return;
      matched++;
      if (order === undefined) await put(id, decisions);
      else waiting.push({ id, decisions });
    },
    async end() {
      const value = ({ decisions }: { decisions: readonly Decision[] }): number =>
        valueOf(decisions, order!) ?? -Infinity;
      const sorted = order === undefined ? [] : waiting.toSorted((a, b) => value(b) - value(a));
      for (const { id, decisions } of sorted.slice(0, flags.top)) await put(id, decisions);
      if (flags.count === true) io.stdout.write(`${matched}\n`);
      return matched;
    },
  };
}

/** --top without --sort is by the only question. */
function sortName({ sort, top }: PresentFlags, names: readonly string[]): string | undefined {
  if (sort === undefined && top === undefined) return undefined;
  const name = sort ?? (names.length === 1 ? names[0] : undefined);
  if (name !== undefined && names.includes(name)) return name;
  throw new PixtralError(
    'usage',
    name === undefined
      ? '--top: by which question?'
      : `--sort ${name}: is no question, expected one of ${names.join(', ')}`,
    name === undefined ? { hint: `give --sort and one of ${names.join(', ')}` } : {},
  );
}

function valueOf(decisions: readonly Decision[], name: string): number | undefined {
  return decisions.find((one) => one.name === name)?.value;
}

function lineOf(
  id: string,
  {
    decisions,
    flags,
    names,
    order,
  }: {
    decisions: readonly Decision[];
    flags: PresentFlags;
    names: readonly string[];
    order: string | undefined;
  },
): string {
  if (flags.csv === true)
    return csvLine([id, ...names.map((name) => cellOf(decisions.find((one) => one.name === name)))]);
  const shown = order === undefined ? names : [order];
  const values = shown.map((name) => cellOf(decisions.find((one) => one.name === name)));
  return `${flags.values === true ? `${values.join('\t')}\t` : ''}${id}${flags.null === true ? '\0' : '\n'}`;
}

function cellOf(decision: Decision | undefined): string {
  if (!decision) return '';
  if (decision.unsure) return 'unsure';
  return decision.type === 'choice' ? decision.choice : decision.value.toFixed(4);
}
