import type { RecordQuestion } from '../asking/record-hash.ts';
import type { EngineFlags } from './engine-flags.ts';

type SamplingFlags = Pick<
  EngineFlags,
  Exclude<keyof RecordQuestion['options'], 'stop' | 'format' | 'logprobs' | 'alternatives' | 'tools' | 'toolChoice'>
>;

/** How a question is answered that says nothing else itself: free text, sampled as the command line says. */
export function freeText(flags: SamplingFlags): RecordQuestion['options'] {
  const {
    maxTokens,
    temperature,
    topP,
    topK,
    minP,
    repeatPenalty,
    seed,
    onLoop,
    tellSchema,
    reasoning,
    reasoningEffort,
  } = flags;
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
    // only what changes the answer: records are known by their options
    ...(reasoning !== undefined && reasoning !== 'hide' && { reasoning }),
    ...(reasoningEffort !== undefined && { reasoningEffort }),
  };
}
