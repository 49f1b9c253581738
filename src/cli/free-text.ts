import type { RecordQuestion } from '../asking/record-hash.ts';
import type { EngineFlags } from './engine-flags.ts';

type SamplingFlags = Pick<
  EngineFlags,
  Exclude<keyof RecordQuestion['options'], 'stop' | 'format' | 'logprobs' | 'alternatives'>
>;

/** How a question is answered that says nothing else itself: free text, sampled as the command line says. */
export function freeText({
  maxTokens,
  temperature,
  topP,
  topK,
  minP,
  repeatPenalty,
  seed,
  onLoop,
  tellSchema,
}: SamplingFlags): RecordQuestion['options'] {
  return {
    maxTokens,
    temperature,
    topP,
    topK,
    minP,
    repeatPenalty,
    seed,
    onLoop,
    tellSchema,
    stop: [],
    format: undefined,
    logprobs: undefined,
  };
}
