import type { Trace, TraceStage } from '../base/trace.ts';
import type { Timings } from './events.ts';

export interface StageClock {
  readonly timings: Timings;
  add(stage: keyof Timings, milliseconds: number): void;
  time<T>(stage: keyof Timings, work: () => Promise<T>): Promise<T>;
}

/** Those that are timed for one question alone; others are traced where they are done for several. */
const traceStageOf: Partial<Record<keyof Timings, TraceStage>> = { prefill_ms: 'prefill', decode_ms: 'decode' };

/** Adds up milliseconds by stage. */
export function stageClock(trace?: Trace): StageClock {
  const timings: Timings = { load_ms: 0, image_ms: 0, encode_ms: 0, prefill_ms: 0, decode_ms: 0 };
  const add = (stage: keyof Timings, milliseconds: number): void => {
    timings[stage] = Math.round((timings[stage] + milliseconds) * 10) / 10;
  };
  return {
    timings,
    add,
    async time(stage, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        add(stage, performance.now() - start);
        const traceStage = traceStageOf[stage];
        if (traceStage) trace?.add({ stage: traceStage, start });
      }
    },
  };
}
