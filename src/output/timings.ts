import { type Span, type TraceStage, traceStages } from '../base/trace.ts';
import { jsonLine } from '../wires/json.ts';
import { table } from './table.ts';

export interface StageTimes {
  times: number;
  milliseconds: number;
}

/** Adds up what each stage took. */
export interface Timings {
  add(span: Span, end: number): void;
  stages: ReadonlyMap<TraceStage, StageTimes>;
  /** Milliseconds until `end` in which some stage was at work. */
  covered: () => number;
}

export function timings(): Timings {
  const stages = new Map<TraceStage, StageTimes>();
  const union = covering();
  return {
    stages,
    add({ stage, start }, end) {
      const known = stages.get(stage) ?? { times: 0, milliseconds: 0 };
      stages.set(stage, { times: known.times + 1, milliseconds: known.milliseconds + end - start });
      if (stage !== 'question') union.add(start, end);
    },
    covered: () => union.length(),
  };
}

/** More gaps are not kept open: what is told of them later counts only from there on. */
const mostGaps = 4096;

/** The length of all intervals together, overlaps once; they come in the order of their ends. */
function covering() {
  let closed = 0;
  let floor = 0;
  const open: { start: number; end: number }[] = [];
  const lengthOf = (intervals: typeof open): number => intervals.reduce((sum, { start, end }) => sum + end - start, 0);
  return {
    add(from: number, to: number) {
      let [start, end] = [Math.max(from, floor), to];
      if (start >= end) return;
      for (let last = open.at(-1); last && last.end >= start; last = open.at(-1)) {
        [start, end] = [Math.min(start, last.start), Math.max(end, last.end)];
        open.pop();
      }
      open.push({ start, end });
      if (open.length <= mostGaps) return;
      const oldest = open.splice(0, mostGaps / 2);
      closed += lengthOf(oldest);
      floor = oldest.at(-1)!.end;
    },
    length: () => closed + lengthOf(open),
  };
}

/** In the table; those within another are set in, and are part of its time. */
const names: Readonly<Record<Exclude<TraceStage, 'question'>, string>> = {
  start: 'start of the program',
  picture: 'pictures read and resized',
  model_found: 'model found',
  model_files: 'headers and tokenizer',
  libraries: 'libraries',
  weights: 'weights and context',
  tower_weights: 'weights of the tower',
  tower: 'vision tower',
  prefill: 'prompt',
  decode: 'answer, model',
  draw: 'answer, choice of tokens',
  grammar: '  of it grammar',
  grammar_beside: 'grammar while the model works',
  cache_read: 'cache, read',
  cache_write: 'cache, written',
  write: 'results written',
};

interface Shown {
  /** Milliseconds of the whole. */
  whole: number;
  json: boolean;
}

/** For stderr: a table, or one line of JSON. */
export function timingsText({ stages, covered }: Timings, { whole, json }: Shown): string {
  const questions = stages.get('question')?.times ?? 0;
  const other = Math.max(0, whole - covered());
  if (json)
    return jsonLine({ timings: { questions, whole_ms: rounded(whole), other_ms: rounded(other), ...told(stages) } });
  const row = (name: string, { times, milliseconds }: { times: string; milliseconds: number }): string[] => [
    name,
    times.padStart(6),
    (milliseconds / 1000).toFixed(3).padStart(9),
    `${((100 * milliseconds) / whole).toFixed(1)} %`.padStart(7),
  ];
  return table([
    ['stage', ' times', '  seconds', '  share'],
    ...Object.entries(names).flatMap(([stage, name]) => {
      const known = stages.get(stage as TraceStage);
      return known ? [row(name, { times: String(known.times), milliseconds: known.milliseconds })] : [];
    }),
    row('none of these', { times: '', milliseconds: other }),
    row('whole', { times: '', milliseconds: whole }),
  ]);
}

function told(stages: Timings['stages']) {
  const known = traceStages.filter((stage) => stage !== 'question' && stages.has(stage));
  const entries = known.map((stage) => {
    const { times, milliseconds } = stages.get(stage)!;
    return [stage, { times, ms: rounded(milliseconds) }];
  });
  return { stages: Object.fromEntries(entries) as Record<string, { times: number; ms: number }> };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
