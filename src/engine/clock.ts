import type { Timings } from './events.ts';

export interface StageClock {
  readonly timings: Timings;
  time<T>(stage: keyof Timings, work: () => Promise<T>): Promise<T>;
}

/** Adds up milliseconds by stage. */
export function stageClock(): StageClock {
  const timings: Timings = { load_ms: 0, image_ms: 0, encode_ms: 0, prefill_ms: 0, decode_ms: 0 };
  return {
    timings,
    async time(stage, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        timings[stage] = Math.round((timings[stage] + performance.now() - start) * 10) / 10;
      }
    },
  };
}
