import { jsonLine } from '../wires/json.ts';
import { noteLine } from './note.ts';
import { duration, every } from './pace.ts';
import { printableLine } from './printable.ts';

interface Sink {
  isTTY: boolean;
  /** Of the terminal. */
  columns?: number | undefined;
  write(text: string): void;
}

export interface BatchCounts {
  done: number;
  failed: number;
  skipped: number;
  /** Of those skipped, the ones that had failed. */
  skippedFailed: number;
  /** Of those done or failed, the ones that an earlier run had answered as another question. */
  again: number;
}

export interface BatchProgress {
  /** A record is begun, or was just settled. */
  update(counts: BatchCounts, id: string): void;
  note(text: string): void;
  /** Lines for stderr in between. */
  lines(text: string): void;
  end(counts: BatchCounts): void;
}

/**
 * How far many records are: one line that is rewritten on a terminal, else a line every half minute; with `json` events.
 * Rate and time left count only what was worked on: skipping is no work. `total` is undefined while more may come.
 */
export function batchProgress(
  sink: Sink,
  { total, json, quiet }: { total: number | undefined; json: boolean; quiet: boolean },
): BatchProgress {
  if (quiet) return { update: () => {}, note: () => {}, lines: () => {}, end: () => {} };
  const pace = stopwatch();
  const isBar = sink.isTTY && !json;
  const due = every(isBar ? 100 : 30_000);
  let dirty = false;
  const clear = (): void => {
    if (dirty) sink.write('\r\u001B[K');
    dirty = false;
  };
  const lines = (text: string): void => {
    clear();
    sink.write(text);
  };
  return {
    update(counts, id) {
      const paced = pace(counts, total);
      if (!due()) return;
      if (json) sink.write(jsonLine({ event: 'progress', ...counts, total, ...paced }));
      else if (isBar) sink.write(`\r\u001B[K${bar(counts, { total, paced, id }).slice(0, (sink.columns || 80) - 1)}`);
      else sink.write(`${describe(counts, { total, paced })}\n`);
      dirty = isBar;
    },
    lines,
    note(text) {
      lines(noteLine(text, { json }));
    },
    end({ done, failed, skipped, skippedFailed, again: changed }) {
      clear();
      const redone =
        changed === 0 ? '' : `; ${changed} again, because pictures, texts, options or weights have changed`;
      const again = skippedFailed === 0 ? '' : ` (${skippedFailed} of them had failed: --retry-failed does them again)`;
      if (json) sink.write(jsonLine({ event: 'end', done, failed, skipped, skippedFailed, again: changed, total }));
      else sink.write(`${done} done, ${failed} failed, ${skipped} skipped${again}${redone}\n`);
    },
  };
}

interface Paced {
  records_per_minute: number;
  /** Not there while nobody knows. */
  seconds_left?: number;
}

function settled({ done, failed, skipped }: BatchCounts): number {
  return done + failed + skipped;
}

/** From the first record that was settled: what comes before is loading the model, and no rate. */
function stopwatch(): (counts: BatchCounts, total: number | undefined) => Paced {
  let first: { worked: number; time: number } | undefined;
  return (counts, total) => {
    const worked = counts.done + counts.failed;
    const time = performance.now();
    if (worked > 0) first ??= { worked, time };
    const perSecond = first && worked > first.worked ? ((worked - first.worked) * 1000) / (time - first.time) : 0;
    const records_per_minute = Math.round(perSecond * 600) / 10;
    const left = total === undefined ? undefined : total - settled(counts);
    if (left === undefined || (left > 0 && perSecond === 0)) return { records_per_minute };
    return { records_per_minute, seconds_left: left > 0 ? Math.ceil(left / perSecond) : 0 };
  };
}

const barWidth = 20;

function bar(
  counts: BatchCounts,
  { total, paced, id }: { total: number | undefined; paced: Paced; id: string },
): string {
  const filled = total === undefined ? 0 : Math.floor((settled(counts) / Math.max(total, 1)) * barWidth);
  return `[${'#'.repeat(filled).padEnd(barWidth, '.')}] ${describe(counts, { total, paced })}  ${printableLine(id)}`;
}

function describe(counts: BatchCounts, { total, paced }: { total: number | undefined; paced: Paced }): string {
  const failed = counts.failed === 0 ? '' : `, ${counts.failed} failed`;
  const { records_per_minute, seconds_left = 0 } = paced;
  const left = seconds_left === 0 ? '' : `, ${records_per_minute}/min, ${duration(seconds_left)} left`;
  const of = total === undefined ? '' : ` of ${total}`;
  return `${settled(counts)}${of}${failed}${left}`;
}
