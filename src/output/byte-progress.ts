import { byteSize } from '../base/byte-size.ts';

interface Sink {
  isTTY: boolean;
  write(text: string): void;
}

/** Progress of long copying: one line that is rewritten on a terminal, a line every tenth, and at most every second, elsewhere. */
export function byteProgress(sink: Sink, { quiet }: { quiet: boolean }) {
  let start = 0;
  let tenth = 0;
  let drawn = 0;
  let dirty = false;
  return {
    update({ what, doneBytes, totalBytes }: { what: string; doneBytes: number; totalBytes: number }): void {
      if (quiet) return;
      if (start === 0) start = drawn = performance.now(); // what comes before the first byte is no rate
      const share = totalBytes === 0 ? 1 : doneBytes / totalBytes;
      const seconds = (performance.now() - start) / 1000;
      const rate = doneBytes / Math.max(seconds, 0.001);
      const left = rate > 0 ? Math.ceil((totalBytes - doneBytes) / rate) : 0;
      const text = `${Math.floor(share * 100)} % of ${byteSize(totalBytes)}, ${byteSize(rate)}/s, ${left} s left`;
      if (sink.isTTY) {
        if (performance.now() - drawn < 100) return;
        drawn = performance.now();
        dirty = true;
        sink.write(`\r\u001B[K${text}  ${what}`);
      } else if (Math.floor(share * 10) > tenth && performance.now() - drawn >= 1000) {
        tenth = Math.floor(share * 10);
        drawn = performance.now();
        sink.write(`${text}\n`);
      }
    },
    stop(): void {
      if (dirty) sink.write('\r\u001B[K');
    },
  };
}
