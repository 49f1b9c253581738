import type { Decided } from '../asking/events.ts';
import { openAiDecision } from './openai-decisions.ts';
import { systemOneAnswer } from './systemone.ts';

/** Decisions in the words of whoever's endpoint was asked. */
export function decidedShape(
  decided: Decided,
  { endpoint, hash = '' }: { endpoint: string | undefined; hash: string | undefined },
): object {
  return endpoint === '/v1/systemone' ? systemOneAnswer(decided, hash) : openAiDecision(decided);
}
