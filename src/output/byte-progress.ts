import { byteSize } from '../base/byte-size.ts';
import { jsonLine } from '../wires/json.ts';
import { duration, every } from './pace.ts';
import { printableLine } from './printable.ts';

interface Sink {
  isTTY: boolean;
  /** Of the terminal. */
  columns?: number | undefined;
  write(text: string): void;
}

export interface ByteProgress {
  /** `write`, `check`, ...: each counts anew. */
  stage: string;
  /** What is worked on now. */
  tensor: string;
  doneBytes: number;
  totalBytes: number;
  /** Of `doneBytes`, what was there before: no part of the rate. */
  skippedBytes: number;
}

/**
 * Progress of long copying, at most ten times a second on a terminal (one line that is rewritten), twice a second as
 * JSON events, and once every tenth of the way as plain lines.
 */
export function byteProgress(sink: Sink, { json }: { json: boolean }) {
  const draw = json ? jsonEvents(sink) : sink.isTTY ? bar(sink) : lines(sink);
  let stage = '';
  let start = 0;
  return {
    update(progress: ByteProgress): void {
      if (progress.stage !== stage) {
        stage = progress.stage;
        start = performance.now(); // what comes before the first byte is no rate
      }
      draw.update({ ...progress, ...pace(progress, (performance.now() - start) / 1000) });
    },
    stop: () => draw.stop(),
  };
}

interface Paced extends ByteProgress {
  /** Bytes per second. */
  rate: number;
  /** Undefined while nothing has come: nobody knows how long it takes. */
  secondsLeft: number | undefined;
}

interface Drawing {
  update(progress: Paced): void;
  stop(): void;
}

function pace({ doneBytes, totalBytes, skippedBytes }: ByteProgress, seconds: number) {
  const rate = (doneBytes - skippedBytes) / Math.max(seconds, 0.001);
  const leftBytes = totalBytes - doneBytes;
  return { rate, secondsLeft: leftBytes <= 0 ? 0 : rate > 0 ? leftBytes / rate : undefined };
}

function bar(sink: Sink): Drawing {
  const due = every(100);
  let dirty = false;
  return {
    update(progress) {
      if (!due()) return;
      dirty = true;
      const columns = sink.columns || 80;
      const width = columns < 80 ? narrowBarWidth : barWidth;
      const filled = Math.floor(shareOf(progress) * width);
      const text = `[${'#'.repeat(filled).padEnd(width, '.')}] ${describe(progress)}  ${printableLine(progress.tensor)}`;
      sink.write(`\r\u001B[K${text.slice(0, Math.max(1, columns - 3))}`); // room for the ^C that a terminal shows
    },
    stop() {
      if (dirty) sink.write('\r\u001B[K');
    },
  };
}

const barWidth = 20;
/** The numbers come first. */
const narrowBarWidth = 6;

function lines(sink: Sink): Drawing {
  const due = every(1000);
  let tenth = 0;
  let stage = '';
  return {
    update(progress) {
      if (progress.stage !== stage) {
        stage = progress.stage;
        tenth = Math.floor(shareOf(progress) * 10);
      }
      if (Math.floor(shareOf(progress) * 10) <= tenth || !due()) return;
      tenth = Math.floor(shareOf(progress) * 10);
      sink.write(`${describe(progress)}\n`);
    },
    stop: () => {},
  };
}

function jsonEvents(sink: Sink): Drawing {
  const due = every(500);
  return {
    update({ stage, tensor, doneBytes, totalBytes, rate, secondsLeft }) {
      if (doneBytes < totalBytes && !due()) return;
      const fields = { done_bytes: doneBytes, total_bytes: totalBytes, bytes_per_second: Math.round(rate) };
      const left = secondsLeft === undefined ? {} : { seconds_left: Math.round(secondsLeft) };
      sink.write(jsonLine({ event: 'progress', stage, tensor, ...fields, ...left }));
    },
    stop: () => {},
  };
}

function shareOf({ doneBytes, totalBytes }: ByteProgress): number {
  return totalBytes === 0 ? 1 : doneBytes / totalBytes;
}

function describe(progress: Paced): string {
  const { stage, totalBytes, rate, secondsLeft } = progress;
  const share = `${Math.floor(shareOf(progress) * 100)} % of ${byteSize(totalBytes)}`;
  if (secondsLeft === undefined) return `${stage} ${share}`;
  return `${stage} ${share}, ${byteSize(Math.round(rate))}/s, ${duration(secondsLeft)} left`;
}
