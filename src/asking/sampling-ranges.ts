export interface Range {
  min: number;
  max: number;
  integer?: boolean;
}

/** What numbers of sampling may be, on the command line, in records and in requests. */
export const samplingRanges = {
  maxTokens: { min: 1, max: 2 ** 31 - 1, integer: true },
  temperature: { min: 0, max: 10 },
  topP: { min: 0, max: 1 },
  topK: { min: 0, max: 1e6, integer: true },
  minP: { min: 0, max: 1 },
  repeatPenalty: { min: 0.01, max: 10 },
  seed: { min: 0, max: 2 ** 32 - 1, integer: true },
} as const satisfies Record<string, Range>;

/** Of the likeliest tokens beside each token's log-probability. */
export const logprobsRange: Range = { min: 0, max: 100, integer: true };
