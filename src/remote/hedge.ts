export interface HedgeOptions<R> {
  /** Resolves when the first takes too long. */
  late: Promise<void>;
  first: (signal: AbortSignal) => Promise<R>;
  second: (signal: AbortSignal) => Promise<R>;
  signal: AbortSignal;
}

/** Does work a second time elsewhere when the first takes too long; whichever is ready first ends the other. */
export async function hedged<R>({ late, first, second, signal }: HedgeOptions<R>): Promise<R> {
  const ends = [new AbortController(), new AbortController()] as const;
  const run = async (work: (signal: AbortSignal) => Promise<R>, which: 0 | 1): Promise<R> => {
    const result = await work(AbortSignal.any([signal, ends[which].signal]));
    ends[which === 0 ? 1 : 0].abort(new Error('another one was faster'));
    return result;
  };
  const running = run(first, 0);
  const isLate = await Promise.race([running.then(() => false), late.then(() => true)]);
  if (!isLate) return running;
  // Where both fail, what the first says is told.
  return Promise.any([running, run(second, 1)]).catch(() => running);
}
