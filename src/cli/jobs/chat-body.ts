import { PixtralError } from '../../base/errors.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import { askedForm } from './asked-form.ts';
import type { ToolCall } from '../../prompt/message.ts';
import { callFields, toolChoiceField } from '../../remote/chat-request.ts';
import { serverKinds } from '../../remote/server-kinds.ts';
import { type Host, type HostName, type SamplingName, hosts } from './hosts.ts';

/** A part of a message as it travels: pictures are URLs or data URIs. */
export type WirePart = { kind: 'text'; text: string } | { kind: 'image'; url: string };

export interface WireMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: readonly WirePart[];
  prefix?: boolean;
  toolCalls?: readonly ToolCall[];
  callId?: string;
}

export interface ChatRequest {
  messages: readonly WireMessage[];
  options: RecordQuestion['options'] & { seed: number };
  detail: RecordQuestion['detail'];
}

/** What must be left out, where a host does not know it. */
const neutral: Partial<Record<SamplingName, number>> = { topK: 0, minP: 0, repeatPenalty: 1 };
const flags: Record<SamplingName, string> = {
  maxTokens: '--max-tokens',
  temperature: '--temperature',
  topP: '--top-p',
  topK: '--top-k',
  minP: '--min-p',
  repeatPenalty: '--repeat-penalty',
  seed: '--seed',
};

/**
 * The body of one request in a host's words, but for definitions of tools, which keep their numbers.
 * @throws PixtralError `input` naming what the host cannot do: nothing is left out in silence
 */
export function chatBody({ messages, options, detail }: ChatRequest, { name, where }: BodyPlace): object {
  const host = hosts[name];
  const refuse = (what: string, hint?: string): never => {
    throw new PixtralError('input', `${where}: ${what}: batch jobs of ${name} have no such thing`, { hint });
  };
  const { format, logprobs, stop, tools } = options;
  const { maxLogprobs } = serverKinds[name];
  if (logprobs !== undefined && logprobs > (maxLogprobs ?? -1)) {
    refuse(`--logprobs ${logprobs}`, maxLogprobs === undefined ? otherwise : `it takes at most ${maxLogprobs}`);
  }
  if (stop.length > host.maxStops) refuse(`${stop.length} stop texts`, `it takes at most ${host.maxStops}`);
  if (options.temperature > host.maxTemperature) {
    refuse(`--temperature ${options.temperature}`, `it takes at most ${host.maxTemperature}`);
  }
  const asked = format && askedForm(format);
  const form = asked && (host.form(asked) ?? refuse(`--${asked.kind}`));
  const prefix = messages.at(-1)?.prefix === true ? (host.prefix ?? refuse('an answer to be gone on with')) : undefined;
  return {
    messages: messages.map((message) => ({
      ...messageFields(message, detail),
      ...(message.prefix === true && prefix?.message),
    })),
    ...sampling(options, { host, refuse }),
    ...(stop.length > 0 && { stop }),
    ...(logprobs !== undefined && { logprobs: true, top_logprobs: logprobs }),
    ...thoughtFields(options, { name, refuse }),
    ...(tools && { tool_choice: toolChoiceField(options.toolChoice) }),
    ...form,
    ...prefix?.body,
  };
}

const otherwise = 'answer on this machine, or at a server that has it';

/** Whether thoughts are shown is settled when the answers are merged. */
function thoughtFields(
  { reasoning, reasoningEffort: effort }: ChatRequest['options'],
  { name, refuse }: { name: HostName; refuse: (what: string, hint?: string) => never },
): object {
  const off = reasoning === 'off' ? (serverKinds[name].reasoning.off ?? refuse('--reasoning off', otherwise)) : {};
  if (reasoning === 'off' && effort !== undefined && effort !== 'none') {
    refuse(`--reasoning off with --reasoning-effort ${effort}`, 'give one of them');
  }
  return { ...(effort !== undefined && { reasoning_effort: effort }), ...off };
}

interface BodyPlace {
  name: HostName;
  /** For messages: `records.jsonl, line 7`. */
  where: string;
}

function sampling(
  options: ChatRequest['options'],
  { host, refuse }: { host: Host; refuse: (what: string) => never },
): Record<string, number> {
  const body: Record<string, number> = {};
  for (const [name, flag] of Object.entries(flags) as [SamplingName, string][]) {
    const isMoot = name === 'topP' && options.temperature === 0; // Mistral's API refuses all but 1 then
    const value = isMoot ? 1 : options[name];
    if (value === neutral[name]) continue;
    const wire = host.parameters[name] ?? refuse(`${flag} ${value}`);
    body[wire] = value;
  }
  return body;
}

function messageFields(message: WireMessage, detail: RecordQuestion['detail']): object {
  const { role, toolCalls, callId } = message;
  const content = toolCalls && message.content.length === 0 ? null : contentOf(message, detail);
  return { role, content, ...callFields(toolCalls ?? []), ...(callId !== undefined && { tool_call_id: callId }) };
}

function contentOf({ role, content }: WireMessage, detail: RecordQuestion['detail']): unknown {
  const texts = content.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  if (role !== 'user' && texts.length === content.length) return texts.join('');
  return content.map((part) => {
    if (part.kind === 'text') return { type: 'text', text: part.text };
    const asked = detail === 'low' && !part.url.startsWith('data:') ? { detail } : {};
    return { type: 'image_url', image_url: { url: part.url, ...asked } };
  });
}
