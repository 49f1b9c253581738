import { PixtralError } from '../base/errors.ts';
import { toldMessages } from '../asking/told-form.ts';
import type { AskOptions, Question, ServerReceipt } from '../asking/events.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import type { Picture } from '../image/decoder/load.ts';
import { checkConversation } from '../prompt/conversation.ts';
import type { Chunk, Message, Thoughts } from '../prompt/message.ts';
import { templates } from '../prompt/template.ts';
import { mergeTurns } from '../prompt/turns.ts';
import type { FoundServer } from './find-server.ts';
import { type Fields, type KindName, type SamplingName, choiceSchema, serverKinds } from './server-kinds.ts';

/** A question as a server is sent it. */
export interface ChatRequest {
  body: Uint8Array;
  sent: ServerReceipt['sent'];
}

/**
 * A request to `/v1/chat/completions`. Every option that bears on the answer is sent, also where it is the default here:
 * servers have others.
 * @throws PixtralError `usage` naming what this kind of server lacks, `input` for an order of roles that no template has
 */
export function chatRequest(
  { messages, options }: Pick<Question, 'messages' | 'options'>,
  { server, stream }: { server: Pick<FoundServer, 'kind' | 'model'>; stream: boolean },
): ChatRequest {
  const { kind, model } = server;
  const { streamUsage, extra } = serverKinds[kind];
  const sent: ServerReceipt['sent'] = [];
  const fields: Fields = {
    model,
    messages: messageFields(toldMessages({ messages, options }, 'v3'), { kind, sent }), // servers do not tell theirs
    ...optionFields(options, kind),
    ...(stream && { stream, ...(streamUsage && { stream_options: { include_usage: true } }) }),
    ...extra,
  };
  return { body: Buffer.from(JSON.stringify(fields)), sent };
}

/**
 * The fields for a question's options.
 * @throws PixtralError `usage` naming the first that would be passed over
 */
export function optionFields(options: Omit<AskOptions, 'seed'> & { seed: number | undefined }, kind: KindName): Fields {
  const { maxTokens, stop, format, logprobs, onLoop } = options;
  const { title, maxStops, maxLogprobs } = serverKinds[kind];
  if (options.tools) throw lacking(title, 'tools', 'none: they are not sent to servers');
  const asksToThink = options.reasoningEffort ?? (options.reasoning === 'off' ? 'off' : undefined);
  if (asksToThink !== undefined) throw lacking(title, `--reasoning ${asksToThink}`, 'none: the server decides');
  if (stop.length > maxStops) {
    throw lacking(title, `--stop: ${stop.length} texts`, `at most ${maxStops}`);
  }
  if (onLoop === 'retry') {
    throw lacking(
      title,
      '--on-loop retry',
      'stop or off: whether an answer says the same over and over is not looked for there',
    );
  }
  if (logprobs !== undefined && logprobs > (maxLogprobs ?? -1)) {
    throw maxLogprobs === undefined
      ? lacking(title, '--logprobs', 'none: it tells no log-probabilities')
      : lacking(title, `--logprobs ${logprobs}`, `at most ${maxLogprobs}`);
  }
  return {
    ...samplingFields(options, kind),
    max_tokens: maxTokens,
    ...(stop.length > 0 && { stop }),
    ...(logprobs !== undefined && { logprobs: true, top_logprobs: logprobs }),
    ...(format && formatFields(format, kind)),
  };
}

/** Of each sampling option: what it is called, and the value at which it does nothing. */
const sampling: Readonly<Record<SamplingName, { flag: string; neutral: number | undefined; isGreedyMoot: boolean }>> = {
  temperature: { flag: '--temperature', neutral: undefined, isGreedyMoot: false },
  topP: { flag: '--top-p', neutral: 1, isGreedyMoot: true },
  topK: { flag: '--top-k', neutral: 0, isGreedyMoot: true },
  minP: { flag: '--min-p', neutral: 0, isGreedyMoot: true },
  repeatPenalty: { flag: '--repeat-penalty', neutral: 1, isGreedyMoot: false },
  seed: { flag: '--seed', neutral: undefined, isGreedyMoot: true },
};

function samplingFields(options: Parameters<typeof optionFields>[0], kind: KindName): Fields {
  const { title, sampling: known, noTopK } = serverKinds[kind];
  const isGreedy = options.temperature === 0;
  const fields: Fields = {};
  for (const [name, { flag, neutral, isGreedyMoot }] of Object.entries(sampling)) {
    const option = name as SamplingName;
    // Where the likeliest token is taken whatever else is said, Mistral's API refuses all but the neutral value.
    const value = isGreedy && isGreedyMoot && neutral !== undefined ? neutral : options[option];
    if (value === undefined) continue;
    const field = known[option];
    if (field !== undefined) fields[field] = option === 'topK' && value === 0 ? noTopK : value;
    else if (value !== neutral) throw lacking(title, `${flag} ${value}`, `${neutral}: it has no such option`);
  }
  return fields;
}

function formatFields(format: AnswerFormat, kind: KindName): Fields {
  const { title, schema, grammar, choices } = serverKinds[kind];
  switch (format.kind) {
    case 'json':
      if (schema === 'own') return grammar!(format.grammar);
      if (format.schema === undefined) return { response_format: { type: 'json_object' } };
      return responseFormat('answer', format.schema);
    case 'choice':
      if (choices) return choices(format.choices);
      return grammar ? grammar(format.grammar) : responseFormat('choice', choiceSchema(format.choices));
    case 'text':
      if (grammar) return grammar(format.grammar);
      throw lacking(title, '--grammar', 'none: it takes no grammars');
    default:
      return format satisfies never;
  }
}

/** Whether the choice comes as a field of an object. */
export function isWrapped(format: AnswerFormat | undefined, kind: KindName): boolean {
  const { choices, grammar } = serverKinds[kind];
  return format?.kind === 'choice' && !choices && !grammar;
}

function responseFormat(name: string, schema: unknown): Fields {
  return { response_format: { type: 'json_schema', json_schema: { name, schema, strict: true } } };
}

function lacking(title: string, found: string, expected: string): PixtralError {
  return new PixtralError('usage', `--server: ${title}: ${found}, expected ${expected}`, {
    hint: 'leave it out, or ask a server that has it, or the model on this machine',
  });
}

function messageFields(
  messages: readonly Message<Picture>[],
  { kind, sent }: { kind: KindName; sent: ServerReceipt['sent'] },
): Fields[] {
  const { title } = serverKinds[kind];
  checkConversation(messages, templates.v7);
  return mergeTurns(messages, templates.v7).map(({ role, chunks, prefix, toolCalls }) => {
    if (prefix) throw lacking(title, 'an answer that is begun', 'a question at the end');
    if (role === 'tool' || toolCalls.length > 0) throw lacking(title, 'calls of tools', 'texts and pictures');
    if (chunks.every((chunk) => chunk.kind === 'text')) return { role, content: textOf(chunks) };
    return { role, content: chunks.map((chunk) => partOf(chunk, { title, sent })) };
  });
}

function textOf(chunks: readonly (Chunk<Picture> | Thoughts)[]): string {
  return chunks.map((chunk) => (chunk.kind === 'text' ? chunk.text : '')).join('');
}

function partOf(
  chunk: Chunk<Picture> | Thoughts,
  { title, sent }: { title: string; sent: ServerReceipt['sent'] },
): Fields {
  if (chunk.kind === 'thinking') throw lacking(title, 'thoughts', 'texts and pictures');
  if (chunk.kind === 'text') return { type: 'text', text: chunk.text };
  const { png, grid } = chunk.image;
  sent.push({ width: grid.width, height: grid.height, format: 'png', bytes: png?.byteLength ?? 0 });
  return { type: 'image_url', image_url: { url: pngUri(chunk.image) } };
}

/** A picture as it is sent. */
export function pngUri({ png, source }: Picture): string {
  if (!png) throw new Error(`${source}: was not prepared to be sent`);
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
