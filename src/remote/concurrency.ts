/** How many requests a server is given at once. */
export interface Concurrency {
  readonly limit: number;
  /** An answer came. `isFull`: as many were in work as the limit lets in, so that its time says something about it. */
  answered(now: number, isFull: boolean): void;
  /** The server said that these were too many. */
  refused(now: number): void;
}

export function fixedConcurrency(limit: number): Concurrency {
  return { limit, answered: () => {}, refused: () => {} };
}

/** Even a small server has room for so many. */
const fewest = 4;
/** What a raise must gain to be kept: less is noise. */
const leastGain = 1.1;
/** Of a limit's answers, for each place: the first ones were begun under another. */
const skippedRounds = 1;
const countedRounds = 2;
/** Load changes: a limit that was found is doubted from time to time. */
const doubtMilliseconds = 60_000;
/** After a refusal. */
const restMilliseconds = 5000;

/**
 * Finds the limit: doubled while that brings more answers a second, back to the best one when it does not; halved when
 * the server refuses, and from then on raised one by one.
 */
export function searchedConcurrency(most: number): Concurrency {
  let limit = Math.min(fewest, most);
  let best = { limit, rate: 0 };
  let state: 'doubling' | 'creeping' | 'settled' = 'doubling';
  let seen = 0;
  let since = 0;
  let settledAt = 0;
  const change = (to: number): void => {
    limit = Math.max(1, Math.min(most, to));
    seen = 0;
  };
  const settle = (now: number): void => {
    state = 'settled';
    settledAt = now;
    change(best.limit);
  };
  const judge = (rate: number, now: number): void => {
    const isBetter = rate > best.rate * leastGain;
    if (state === 'creeping') {
      change(limit + 1);
      return;
    }
    if (isBetter) best = { limit, rate };
    if (!isBetter || limit === most) settle(now);
    else change(limit * 2);
  };
  return {
    get limit() {
      return limit;
    },
    answered(now, isFull) {
      if (state === 'settled') {
        if (now - settledAt < doubtMilliseconds) return;
        state = 'doubling';
        best = { limit, rate: 0 };
        seen = 0;
      }
      if (!isFull) {
        seen = 0; // nothing is learned from a server that has too little to do
        return;
      }
      seen++;
      if (seen === skippedRounds * limit) since = now;
      if (seen < (skippedRounds + countedRounds) * limit) return;
      const rate = (countedRounds * limit) / Math.max(1, now - since);
      judge(rate, now);
    },
    refused(now) {
      if (now - settledAt < restMilliseconds && state === 'creeping') return; // of those that were already under way
      state = 'creeping';
      settledAt = now;
      change(Math.floor(limit / 2));
    },
  };
}
