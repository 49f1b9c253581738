import { PixtralError } from '../../base/errors.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import { askedForm } from './asked-form.ts';
import { type Host, type HostName, type SamplingName, hosts } from './hosts.ts';

/** A part of a message as it travels: pictures are URLs or data URIs. */
export type WirePart = { kind: 'text'; text: string } | { kind: 'image'; url: string };

export interface WireMessage {
  role: 'system' | 'user' | 'assistant';
  content: readonly WirePart[];
  prefix?: boolean;
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
 * The body of one request in a host's words.
 * @throws PixtralError `input` naming what the host cannot do: nothing is left out in silence
 */
export function chatBody({ messages, options, detail }: ChatRequest, { name, where }: BodyPlace): object {
  const host = hosts[name];
  const refuse = (what: string, hint?: string): never => {
    throw new PixtralError('input', `${where}: ${what}: batch jobs of ${name} have no such thing`, { hint });
  };
  const { format, logprobs, stop, tools, reasoning, reasoningEffort } = options;
  if (tools) refuse('tools', 'answer on this machine');
  if (reasoning !== undefined || reasoningEffort !== undefined) refuse('--reasoning', 'answer on this machine');
  if (logprobs !== undefined) refuse('--logprobs', 'answer on this machine, or at a server');
  if (stop.length > host.maxStops) refuse(`${stop.length} stop texts`, `it takes at most ${host.maxStops}`);
  if (options.temperature > host.maxTemperature) {
    refuse(`--temperature ${options.temperature}`, `it takes at most ${host.maxTemperature}`);
  }
  const asked = format && askedForm(format);
  const form = asked && (host.form(asked) ?? refuse(`--${asked.kind}`));
  const prefix = messages.at(-1)?.prefix === true ? (host.prefix ?? refuse('an answer to be gone on with')) : undefined;
  return {
    messages: messages.map((message) => ({
      role: message.role,
      content: contentOf(message, detail),
      ...(message.prefix === true && prefix?.message),
    })),
    ...sampling(options, { host, refuse }),
    ...(stop.length > 0 && { stop }),
    ...form,
    ...prefix?.body,
  };
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

function contentOf({ role, content }: WireMessage, detail: RecordQuestion['detail']): unknown {
  const texts = content.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  if (role !== 'user' && texts.length === content.length) return texts.join('');
  return content.map((part) => {
    if (part.kind === 'text') return { type: 'text', text: part.text };
    const asked = detail === 'low' && !part.url.startsWith('data:') ? { detail } : {};
    return { type: 'image_url', image_url: { url: part.url, ...asked } };
  });
}
