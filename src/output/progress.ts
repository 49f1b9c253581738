import type { Stage } from '../engine/answers/events.ts';

interface Sink {
  isTTY: boolean;
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

export async function stageReporter(
  sink: Sink,
  { verbose, quiet, color }: { verbose: boolean; quiet: boolean; color: boolean },
): Promise<StageReporter> {
  if (verbose) return lines(sink);
  // ora writes colour codes even into files at its final tick.
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

async function spinner(sink: Sink, color: boolean): Promise<StageReporter> {
  const { default: ora } = await import('ora');
  const start = performance.now();
  const spinning = ora({ text: names.load, discardStdin: false, ...(color ? {} : { color: false as const }) }).start();
  let text = names.load;
  const show = (): void => {
    spinning.text = `${text} (${Math.floor((performance.now() - start) / 1000)} s)`;
  };
  const timer = setInterval(show, 500);
  return {
    stage(stage, detail) {
      text = title(stage, detail);
      show();
    },
    note(lines) {
      spinning.clear();
      sink.write(lines);
    },
    stop() {
      clearInterval(timer);
      spinning.stop();
    },
  };
}

function title(stage: Stage, detail: string | undefined): string {
  return detail === undefined ? names[stage] : `${names[stage]} ${detail}`;
}
