import type { Answer, TokenChoice } from '../asking/events.ts';

/** One of the `choices` of OpenAI's `chat.completion`. */
export function chatChoice(answer: Answer, index: number) {
  return {
    index,
    message: chatMessage(answer),
    logprobs: openAiLogprobs(answer.logprobs),
    finish_reason: finishReason(answer),
    ...loopNote(answer),
  };
}

function chatMessage({ text, reasoning, tool_calls: calls }: Answer) {
  return {
    role: 'assistant',
    content: calls && text === '' ? null : text,
    refusal: null,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls && { tool_calls: calls }),
  };
}

/** For a client that takes no more of them. */
export function withFirstCalls(answer: Answer, most: number): Answer {
  const { tool_calls: calls } = answer;
  return calls && calls.length > most ? { ...answer, tool_calls: calls.slice(0, most) } : answer;
}

/** Clients know of no loops: to them such an answer was cut. */
export function finishReason({ finish, tool_calls: calls }: Pick<Answer, 'finish' | 'tool_calls'>) {
  if (finish === 'length' || finish === 'loop') return 'length';
  return calls ? 'tool_calls' : 'stop';
}

/** Our own word beside theirs. */
export function loopNote({ finish }: Pick<Answer, 'finish'>): { pixtral?: { finish: 'loop' } } {
  return finish === 'loop' ? { pixtral: { finish } } : {};
}

/** Of several answers to one prompt. */
export function chatUsage(answers: readonly Pick<Answer, 'usage'>[]) {
  const prompt = answers[0]!.usage.prompt;
  const completion = answers.reduce((sum, { usage }) => sum + usage.completion, 0);
  const reasoning = answers.reduce((sum, { usage }) => sum + (usage.reasoning ?? 0), 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(reasoning > 0 && { completion_tokens_details: { reasoning_tokens: reasoning } }),
  };
}

export function openAiLogprobs(logprobs: Answer['logprobs']) {
  if (!logprobs) return null;
  const content = logprobs.map((token) => {
    // Clients want a number: what cannot be otherwise has a probability of 1.
    if ('forced' in token) return { ...openAiChoice({ ...token, logprob: 0 }), top_logprobs: [], forced: true };
    const { top, ...chosen } = token;
    return { ...openAiChoice(chosen), top_logprobs: top.map(openAiChoice) };
  });
  return { content, refusal: null };
}

/** A control token has no bytes. */
function openAiChoice({ token, bytes = [...Buffer.from(token)], logprob }: TokenChoice) {
  return { token, logprob, bytes: bytes.length === 0 ? null : bytes };
}
