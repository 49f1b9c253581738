import { printableLine } from './printable.ts';

interface Sink {
  isTTY: boolean;
  /** Of the terminal. */
  columns?: number | undefined;
  write(text: string): void;
}

/** What is being done: one line that is rewritten on a terminal, else a line each time it changes. */
export function lineProgress(sink: Sink, { quiet }: { quiet: boolean }) {
  let shown = '';
  return {
    update(text: string): void {
      if (quiet || text === shown) return;
      shown = text;
      const line = printableLine(text);
      sink.write(sink.isTTY ? `\r\u001B[K${line.slice(0, (sink.columns || 80) - 1)}` : `${line}\n`);
    },
    stop(): void {
      if (sink.isTTY && shown !== '') sink.write('\r\u001B[K');
      shown = '';
    },
  };
}
