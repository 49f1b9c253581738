import type { RecordQuestion } from '../asking/record-hash.ts';
import type { EngineFlags } from './engine-flags.ts';

type SamplingFlags = Pick<
  EngineFlags,
  Exclude<keyof RecordQuestion['options'], 'stop' | 'format' | 'logprobs' | 'alternatives' | 'tools' | 'toolChoice'>
>;

/** How a question is answered that says nothing else itself: free text, sampled as the command line says. */
export function freeText(flags: SamplingFlags): RecordQuestion['options'] {
  const { reasoning, reasoningEffort } = flags;
  return {
    maxTokens: flags.maxTokens,
    temperature: flags.temperature,
    topP: flags.topP,
    topK: flags.topK,
    minP: flags.minP,
    repeatPenalty: flags.repeatPenalty,
    seed: flags.seed,
    onLoop: flags.onLoop,
    tellSchema: flags.tellSchema,
    stop: [],
    format: undefined,
    logprobs: undefined,
    // only what changes the answer: records are known by their options
    ...(reasoning !== undefined && reasoning !== 'hide' && { reasoning }),
    ...(reasoningEffort !== undefined && { reasoningEffort }),
  };
}
