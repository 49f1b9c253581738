import { PixtralError } from '../base/errors.ts';
import { toldMessages } from '../asking/told-form.ts';
import type { AskOptions, Question, ServerReceipt } from '../asking/events.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import type { Picture } from '../image/decoder/load.ts';
import { checkConversation } from '../prompt/conversation.ts';
import type { Chunk, Message, Thoughts, Tool, ToolCall } from '../prompt/message.ts';
import { type Template, templates } from '../prompt/template.ts';
import { toolsJson } from '../prompt/tool-segments.ts';
import { mergeTurns } from '../prompt/turns.ts';
import type { FoundServer, Untold } from './find-server.ts';
import { type PictureUris, pictureUris } from './picture-uris.ts';
import { type Fields, type KindName, type SamplingName, choiceSchema, serverKinds } from './server-kinds.ts';

/** A question as a server is sent it. */
export interface ChatRequest {
  body: Uint8Array;
  sent: ServerReceipt['sent'];
}

/** The pictures of a request. */
interface Outgoing {
  sent: ServerReceipt['sent'];
  uris: PictureUris;
}

/**
 * A request to `/v1/chat/completions`. Every option that bears on the answer is sent, also where it is the default here:
 * servers have others.
 * @throws PixtralError `usage` naming what this kind of server lacks, `input` for an order of roles that no template has
 */
export function chatRequest(
  { messages, options }: Pick<Question, 'messages' | 'options'>,
  {
    server,
    stream,
    begun = '',
  }: { server: Pick<FoundServer, 'kind' | 'model' | 'untold'>; stream: boolean; begun?: string },
): ChatRequest {
  const { kind, model } = server;
  const { streamUsage, goesOn, extra } = serverKinds[kind];
  const outgoing: Outgoing = { sent: [], uris: pictureUris() };
  refuseUntold({ messages, options }, server);
  const fields: Fields = {
    model,
    messages: [
      ...messageFields(toldMessages({ messages, options }, 'v3'), { kind, ...outgoing }), // servers do not tell theirs
      ...(begun === '' ? [] : [{ role: 'assistant', content: begun }]),
    ],
    ...optionFields(options, kind),
    ...(stream && { stream, ...(streamUsage && { stream_options: { include_usage: true } }) }),
    ...(begun !== '' && goesOn),
    ...extra,
  };
  const json = withTools(JSON.stringify(fields), options.tools);
  return { body: outgoing.uris.fill(json), sent: outgoing.sent };
}

/** A server whose chat template lacks a part of the question would leave it out in silence. */
function refuseUntold(
  { messages, options: { tools, reasoningEffort: effort } }: Pick<Question, 'messages' | 'options'>,
  { kind, untold }: Pick<FoundServer, 'kind' | 'untold'>,
): void {
  const asked: Readonly<Record<Untold, boolean>> = {
    tools: tools !== undefined,
    'tool calls': messages.some(({ role, toolCalls }) => role === 'tool' || toolCalls !== undefined),
    'reasoning effort': effort !== undefined && effort !== 'none',
  };
  const part = untold.find((one) => asked[one]);
  if (part) throw lacking(serverKinds[kind].title, part, "none: its model's chat template does not tell them");
}

/** Definitions of tools keep their numbers and the order of their keys, as they are told to models on this machine. */
function withTools(json: string, tools: readonly Tool[] | undefined): string {
  return tools ? `${json.slice(0, -1)},"tools":${toolsJson(tools)}}` : json;
}

/**
 * The fields for a question's options.
 * @throws PixtralError `usage` naming the first that would be passed over
 */
export function optionFields(options: Omit<AskOptions, 'seed'> & { seed: number | undefined }, kind: KindName): Fields {
  const { maxTokens, stop, format, logprobs, onLoop } = options;
  const { title, maxStops, maxLogprobs, ownStops } = serverKinds[kind];
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
    ...(stop.length > 0 && (ownStops ?? { stop })),
    ...(logprobs !== undefined && { logprobs: true, top_logprobs: logprobs }),
    ...(format && formatFields(format, kind)),
    ...thoughtFields(options, kind),
    ...(options.tools && { tool_choice: toolChoiceField(options.toolChoice) }),
  };
}

/** Whether an answer is watched as it comes, and ended here. */
export function endsHere({ stop }: Pick<AskOptions, 'stop'>, kind: KindName): boolean {
  return stop.length > 0 && serverKinds[kind].ownStops !== undefined;
}

function thoughtFields(
  { reasoning, reasoningEffort: effort }: Pick<AskOptions, 'reasoning' | 'reasoningEffort'>,
  kind: KindName,
): Fields {
  const { title, reasoning: known } = serverKinds[kind];
  if (reasoning === 'off' && !known.off) throw lacking(title, '--reasoning off', 'show or hide: the server decides');
  if (reasoning === 'off' && effort !== undefined && effort !== 'none') {
    throw new PixtralError('usage', `--reasoning off and --reasoning-effort ${effort}: expected one of them`);
  }
  return { ...(effort !== undefined && { reasoning_effort: effort }), ...(reasoning && known[reasoning]) };
}

/** `tool_choice` as it travels. */
export function toolChoiceField(choice: AskOptions['toolChoice'] = 'auto'): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', function: choice };
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
  { kind, ...outgoing }: Outgoing & { kind: KindName },
): Fields[] {
  const { title } = serverKinds[kind];
  checkConversation(messages, anyModel);
  return mergeTurns(messages, anyModel).map((turn) => {
    const { role, chunks, prefix, toolCalls, callId } = turn;
    if (prefix) throw lacking(title, 'an answer that is begun', 'a question at the end');
    if (role === 'assistant') return { role, ...answerFields(chunks, kind), ...callFields(toolCalls) };
    const seen = chunks.flatMap((chunk) => (chunk.kind === 'thinking' ? [] : [chunk]));
    if (seen.length < chunks.length) throw lacking(title, 'thoughts in a system prompt', 'texts');
    return { role, content: contentOf(seen, outgoing), ...(role === 'tool' && { tool_call_id: callId }) };
  });
}

/** What no server's model refuses may be sent: pictures in results, ids of calls as servers make them. */
const anyModel: Template = {
  ...templates.v15,
  textSeparator: '\n\n',
  allows: { ...templates.v13.allows, tool: ['text', 'image'] },
};

function contentOf(chunks: readonly Chunk<Picture>[], outgoing: Outgoing): string | Fields[] {
  if (chunks.every((chunk) => chunk.kind === 'text')) return textOf(chunks);
  return chunks.map((chunk) => partOf(chunk, outgoing));
}

/** An earlier answer, with what was thought before it. */
function answerFields(chunks: readonly (Chunk<Picture> | Thoughts)[], kind: KindName): Fields {
  const { title, thoughts: way } = serverKinds[kind];
  const thoughts = chunks.flatMap((chunk) => (chunk.kind === 'thinking' ? [chunk] : []));
  const said = textOf(chunks);
  const content = said === '' ? null : said;
  if (thoughts.length === 0) return { content };
  if (way === undefined) throw lacking(title, 'thoughts of an earlier answer', 'its text only');
  const isBefore = chunks.slice(0, thoughts.length).every((chunk) => chunk.kind === 'thinking');
  if (!isBefore || thoughts.some(({ closed }) => !closed)) {
    throw lacking(title, 'thoughts that go on, or stand behind an answer', 'thoughts before it');
  }
  const thought = thoughts.map(({ text }) => text).join('');
  if (way !== 'part') return { content, [way]: thought };
  const part = { type: 'thinking', thinking: [{ type: 'text', text: thought }] };
  return { content: content === null ? [part] : [part, { type: 'text', text: said }] };
}

/** `tool_calls` as they travel, where there are any. */
export function callFields(calls: readonly ToolCall[]): Fields {
  if (calls.length === 0) return {};
  const tool_calls = calls.map(({ id, name, arguments: json }) => ({
    id,
    type: 'function',
    function: { name, arguments: json === '' ? '{}' : json },
  }));
  return { tool_calls };
}

function textOf(chunks: readonly (Chunk<Picture> | Thoughts)[]): string {
  return chunks.map((chunk) => (chunk.kind === 'text' ? chunk.text : '')).join('');
}

function partOf(chunk: Chunk<Picture>, { sent, uris }: Outgoing): Fields {
  if (chunk.kind === 'text') return { type: 'text', text: chunk.text };
  const { png, grid } = chunk.image;
  sent.push({ width: grid.width, height: grid.height, format: 'png', bytes: png?.byteLength ?? 0 });
  return { type: 'image_url', image_url: { url: uris.placeFor(chunk.image) } };
}
