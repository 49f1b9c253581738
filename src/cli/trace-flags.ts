import { Option } from 'commander';
import type { Trace } from '../base/trace.ts';
import type { Io } from './io.ts';

/** As commander gives `traceOptions`. */
export interface TraceFlags {
  timings?: boolean;
  trace?: string;
  json?: boolean;
}

/** Where the time goes. */
export const traceOptions = (): Option[] => [
  new Option('--timings', 'what each stage took, on stderr at the end'),
  new Option('--trace <file>', "every step with its times, for ui.perfetto.dev or Chrome's chrome://tracing"),
];

/**
 * Does the work with a trace where one of the flags asks for it; without, it costs nothing.
 * @throws PixtralError `usage` or `machine` for a file that cannot be written, before anything is done
 */
export async function withTrace<T>(
  { timings: isTold = false, trace: path, json = false }: TraceFlags,
  io: Io,
  use: (trace: Trace | undefined) => Promise<T>,
): Promise<T> {
  if (!isTold && path === undefined) return use(undefined);
  const { openTraceFile } = await import('../output/trace-file.ts');
  const { timings, timingsText } = await import('../output/timings.ts');
  const file = path === undefined ? undefined : openTraceFile(path);
  const sums = timings();
  const trace: Trace = {
    add(span) {
      const end = performance.now();
      sums.add(span, end);
      file?.add(span, end);
    },
  };
  trace.add({ stage: 'start', start: 0 });
  const end = (): void => {
    if (isTold) io.stderr.write(timingsText(sums, { whole: performance.now(), json }));
    file?.close();
  };
  const result = await use(trace).catch((thrown: unknown) => {
    try {
      end();
    } catch {
      // what went wrong first is what is told
    }
    throw thrown;
  });
  end();
  return result;
}
