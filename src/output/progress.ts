import type { Stage } from '../asking/events.ts';
import { printableLine } from './printable.ts';

interface Sink {
  isTTY: boolean;
  /** Of the terminal. */
  columns?: number | undefined;
  write(text: string): void;
}

/** Says on stderr what goes on: a spinner on a terminal, lines with --verbose, else nothing. */
export interface StageReporter {
  stage(stage: Stage, detail: string | undefined): void;
  /** Lines for stderr in between. */
  note(lines: string): void;
  /** Call before anything is written to stdout. */
  stop(): void;
}

const names: Record<Stage, string> = {
  load: 'Loading the model',
  image: 'Preparing the picture',
  encode: 'Looking at',
  prefill: 'Reading the prompt',
  decode: 'Thinking',
};

export function stageReporter(
  sink: Sink,
  { verbose, quiet, color }: { verbose: boolean; quiet: boolean; color: boolean },
): StageReporter {
  if (verbose) return lines(sink);
  if (quiet || !sink.isTTY) return { stage: () => {}, note: (lines) => sink.write(lines), stop: () => {} };
  return spinner(sink, color);
}

function lines(sink: Sink): StageReporter {
  const start = performance.now();
  return {
    stage: (stage, detail) =>
      sink.write(`${((performance.now() - start) / 1000).toFixed(1)} s: ${title(stage, detail)}\n`),
    note: (text) => sink.write(text),
    stop: () => {},
  };
}

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const frameMilliseconds = 80;
/** Of a terminal that does not say how wide it is. */
const usualColumns = 80;

/** One line that is rewritten, cut so that it never wraps. */
function spinner(sink: Sink, color: boolean): StageReporter {
  const start = performance.now();
  const [cyan, plain] = color ? ['\u001B[36m', '\u001B[39m'] : ['', ''];
  let text = names.load;
  let frame = 0;
  const clear = (): void => sink.write('\r\u001B[K');
  const draw = (): void => {
    frame = (frame + 1) % frames.length;
    const line = `${text} (${Math.floor((performance.now() - start) / 1000)} s)`;
    const shown = line.slice(0, Math.max(0, (sink.columns || usualColumns) - 3));
    sink.write(`\r\u001B[K${cyan}${frames[frame]}${plain} ${shown}`);
  };
  const timer = setInterval(draw, frameMilliseconds);
  let isStopped = false;
  sink.write('\u001B[?25l'); // the cursor would jump about
  draw();
  return {
    stage(stage, detail) {
      text = title(stage, detail);
    },
    note(lines) {
      clear();
      sink.write(lines);
    },
    stop() {
      if (isStopped) return;
      isStopped = true;
      clearInterval(timer);
      clear();
      sink.write('\u001B[?25h');
    },
  };
}

function title(stage: Stage, detail: string | undefined): string {
  return detail === undefined ? names[stage] : `${names[stage]} ${printableLine(detail)}`;
}
