import type { RecordQuestion } from '../asking/record-hash.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Message } from '../prompt/message.ts';
import { pictureChunks, readContent, textPart } from './content-parts.ts';
import { type Fields, asRecord, exactPart, samplingFields, wrong } from './fields.ts';
import type { FormatMemo } from './format-memo.ts';
import { checkStop } from './openai-form.ts';
import { checkParameters } from './parameters.ts';
import type { FindSources, RequestContext } from './request.ts';
import { responseFormat } from './response-format.ts';

/** Read here, or without effect on the answer. */
const known = ['model', 'messages', 'system', 'max_tokens', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'seed'];
/** Where the form of an answer stands, and where it stood in their beta. */
const formPaths = [['output_config', 'format'], ['output_format']] as const;

/** The body of a request to Anthropic's `messages`. */
export async function messagesRequest(
  body: Fields,
  { defaults, sources, strict }: RequestContext,
): Promise<RecordQuestion> {
  const { where, record } = body;
  const thinking = record['thinking'] ?? undefined;
  if (thinking !== undefined && asRecord(thinking, `${where}: thinking`)['type'] !== 'disabled') {
    throw wrong(`${where}: thinking`, thinking, '{"type":"disabled"}');
  }
  checkParameters(
    { where, record: { ...record, tool_choice: null } },
    { known: [...known, 'thinking', 'output_config', 'output_format'], strict },
  );
  const context = { sources, details: [] };
  const messages: Message<Source>[] = [];
  const system = record['system'] ?? undefined;
  if (system !== undefined) {
    const content = await readContent(system, { ...context, where: `${where}: system`, parts: { text: textPart } });
    messages.push({ role: 'system', content });
  }
  const listed = record['messages'];
  if (!Array.isArray(listed) || listed.length === 0) throw wrong(`${where}: messages`, listed, 'a list of messages');
  for (const [index, value] of (listed as unknown[]).entries()) {
    messages.push(await readMessage(value, { ...context, where: `${where}: messages[${index}]` }));
  }
  const { stop_sequences: stop = null, ...others } = record;
  const options = checkStop(where, {
    ...samplingFields({ where, record: { ...others, stop } }, defaults.options),
    ...formOf(body, defaults.formats),
  });
  return { messages, options, detail: defaults.detail };
}

/** @throws PixtralError `input` for one that is no JSON by a schema */
function formOf(body: Fields, formats: FormatMemo): { format?: AnswerFormat | undefined } {
  const { where, record } = body;
  const config = asRecord(record['output_config'] ?? {}, `${where}: output_config`);
  const asked = { ...config, output_format: record['output_format'] };
  for (const path of formPaths) {
    const value = asked[path.at(-1) as keyof typeof asked] ?? undefined;
    if (value === undefined) continue;
    const place = `${where}: ${path.join('.')}`;
    const { type, ...schema } = asRecord(value, place);
    if (type !== 'json_schema') throw wrong(`${place}.type`, type, '"json_schema"');
    const exact = ([, ...rest]: readonly string[]) => exactPart(body, [...path, ...rest]);
    return { format: responseFormat({ type, json_schema: schema }, { where: place, exact, formats }) };
  }
  return {};
}

async function readMessage(
  value: unknown,
  { where, ...context }: { where: string; sources: FindSources; details: unknown[] },
): Promise<Message<Source>> {
  const { role, content } = asRecord(value, where);
  if (role !== 'user' && role !== 'assistant') throw wrong(`${where}.role`, role, '"user" or "assistant"');
  return { role, content: await readContent(content, { ...context, where: `${where}.content`, parts }) };
}

/** `source` of a picture or a document: what it brings, or where it is. */
function sourceUrl(source: unknown, where: string): unknown {
  const { type, media_type: mediaType, data, url } = asRecord(source, `${where}: source`);
  if (type === 'url') return url;
  if (type === 'base64' && typeof mediaType === 'string' && typeof data === 'string') {
    return `data:${mediaType};base64,${data}`;
  }
  throw wrong(`${where}: source`, source, 'a source of type base64 or url');
}

const parts: Parameters<typeof readContent>[1]['parts'] = {
  text: textPart,
  image: ({ source }, context) => pictureChunks(sourceUrl(source, context.where), { ...context, name: 'source' }),
  document: ({ source }, context) => pictureChunks(sourceUrl(source, context.where), { ...context, name: 'source' }),
};
