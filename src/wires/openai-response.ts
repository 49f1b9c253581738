import type { Answer } from '../asking/events.ts';
import { finishReason, openAiLogprobs } from './openai-chat.ts';

/** What a response of OpenAI's Responses API repeats of its request. */
export interface ResponseHead {
  id: string;
  messageId: string;
  createdAt: number;
  model: string;
  body: Readonly<Record<string, unknown>>;
}

/** Names and order of the events are OpenAI's; each carries a `sequence_number` from 0. */
export interface ResponseEvent {
  type: string;
  [field: string]: unknown;
}

/** A whole `response`. */
export function openAiResponse(head: ResponseHead, answer: Answer) {
  const isCut = finishReason(answer) === 'length';
  const { usage, images, timings, sampling } = answer;
  return {
    ...responseShape(head, isCut ? 'incomplete' : 'completed'),
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    output: [message(head, { status: isCut ? 'incomplete' : 'completed', content: [textPart(answer)] })],
    temperature: sampling.temperature,
    top_p: sampling.top_p,
    usage: {
      input_tokens: usage.prompt,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: usage.completion,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.prompt + usage.completion,
    },
    pixtral: { images, timings, sampling },
  };
}

/** What comes before the first words. */
export function responseBegins(head: ResponseHead): ResponseEvent[] {
  const response = responseShape(head, 'in_progress');
  const item = message(head, { status: 'in_progress', content: [] });
  return [
    { type: 'response.created', response },
    { type: 'response.in_progress', response },
    { type: 'response.output_item.added', output_index: 0, item },
    { type: 'response.content_part.added', ...place(head), part: emptyPart },
  ];
}

export function responseDelta(head: ResponseHead, delta: string): ResponseEvent {
  return { type: 'response.output_text.delta', ...place(head), delta, logprobs: [] };
}

/** What comes after the last words. */
export function responseEnds(head: ResponseHead, answer: Answer): ResponseEvent[] {
  const response = openAiResponse(head, answer);
  const part = textPart(answer);
  return [
    { type: 'response.output_text.done', ...place(head), text: part.text, logprobs: part.logprobs },
    { type: 'response.content_part.done', ...place(head), part },
    { type: 'response.output_item.done', output_index: 0, item: response.output[0] },
    { type: response.status === 'completed' ? 'response.completed' : 'response.incomplete', response },
  ];
}

export function responseFails(head: ResponseHead, error: { code: string; message: string }): ResponseEvent {
  return { type: 'response.failed', response: { ...responseShape(head, 'failed'), error } };
}

function responseShape(
  { id, createdAt, model, body }: ResponseHead,
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed',
) {
  return {
    id,
    object: 'response',
    created_at: createdAt,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    metadata: body['metadata'] ?? {},
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: body['temperature'] ?? null,
    text: body['text'] ?? { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: body['top_logprobs'] ?? 0,
    top_p: body['top_p'] ?? null,
    truncation: 'disabled',
    usage: null,
    user: body['user'] ?? null,
  };
}

function message({ messageId }: ResponseHead, { status, content }: { status: string; content: object[] }) {
  return { id: messageId, type: 'message', status, role: 'assistant', content };
}

function place({ messageId }: ResponseHead) {
  return { item_id: messageId, output_index: 0, content_index: 0 };
}

const emptyPart = { type: 'output_text', annotations: [], logprobs: [], text: '' };

function textPart({ text, logprobs }: Pick<Answer, 'text' | 'logprobs'>) {
  return { ...emptyPart, text, logprobs: openAiLogprobs(logprobs)?.content ?? [] };
}
