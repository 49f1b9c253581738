import type { Answer, AskOptions } from './events.ts';

type Sampling = Pick<AskOptions, 'temperature' | 'topP' | 'topK' | 'minP' | 'repeatPenalty' | 'seed'>;

/** How an answer was drawn, as it is told. */
export function samplingReceipt({ temperature, topP, topK, minP, repeatPenalty, seed }: Sampling): Answer['sampling'] {
  return { temperature, top_p: topP, top_k: topK, min_p: minP, repeat_penalty: repeatPenalty, seed };
}
