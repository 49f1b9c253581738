/** Where time goes. Those of a question overlap where several are answered at once. */
export const traceStages = [
  'start',
  'question',
  'picture',
  'model_found',
  'model_files',
  'libraries',
  'weights',
  'tower_weights',
  'tower',
  'prefill',
  'decode',
  'draw',
  'grammar',
  'grammar_beside',
  'cache_read',
  'cache_write',
  'write',
] as const;
export type TraceStage = (typeof traceStages)[number];

export type TraceDetail = Readonly<Record<string, string | number>>;

export interface Span {
  stage: TraceStage;
  /** Milliseconds of performance.now(); it ends when it is added. */
  start: number;
  detail?: TraceDetail | undefined;
}

/** Is told what took how long, as each ends. */
export interface Trace {
  add(span: Span): void;
}

/** Does the work and tells what it took, whatever came of it. */
export async function traced<T>(
  { trace, ...span }: Omit<Span, 'start'> & { trace: Trace | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    trace?.add({ ...span, start });
  }
}

/** The same of work that nothing is waited for in. */
export function tracedNow<T>({ trace, ...span }: Omit<Span, 'start'> & { trace: Trace | undefined }, work: () => T): T {
  if (!trace) return work();
  const start = performance.now();
  try {
    return work();
  } finally {
    trace.add({ ...span, start });
  }
}
