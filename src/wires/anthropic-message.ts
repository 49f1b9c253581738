import type { Answer } from '../asking/events.ts';

export interface MessageHead {
  id: string;
  model: string;
}

/** A whole `message` of Anthropic's API; pictures, timings and sampling are ours. */
export function anthropicMessage(head: MessageHead, answer: Answer) {
  const { images, timings, sampling, text, usage } = answer;
  return {
    ...messageShape(head),
    content: [{ type: 'text', text }],
    ...ending(answer),
    usage: { input_tokens: usage.prompt, output_tokens: usage.completion },
    pixtral: { images, timings, sampling },
  };
}

export interface MessageEvent {
  type: string;
  [field: string]: unknown;
}

export function messageBegins(head: MessageHead): MessageEvent[] {
  return [
    { type: 'message_start', message: messageShape(head) },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
  ];
}

export function messageDelta(text: string): MessageEvent {
  return { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } };
}

export function messageEnds(answer: Answer): MessageEvent[] {
  const { prompt, completion } = answer.usage;
  return [
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: ending(answer),
      usage: { input_tokens: prompt, output_tokens: completion },
    },
    { type: 'message_stop' },
  ];
}

function messageShape({ id, model }: MessageHead) {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [] as object[],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  };
}

const reasons = {
  stop: 'end_turn',
  length: 'max_tokens',
  loop: 'max_tokens',
  'stop-string': 'stop_sequence',
} as const;

function ending({ finish, stopText }: Pick<Answer, 'finish' | 'stopText'>) {
  return { stop_reason: reasons[finish], stop_sequence: stopText ?? null };
}
