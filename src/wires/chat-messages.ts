import { PixtralError } from '../base/errors.ts';
import { writeExactJson } from '../base/exact-json.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Chunk, Message, Thoughts, ToolCall } from '../prompt/message.ts';
import { type Fields, asRecord, exactPart, optionalText, wrong } from './fields.ts';
import type { FindSources } from './request.ts';

const roles: Record<string, Message<Source>['role']> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
};

type Content = (Chunk<Source> | Thoughts)[];

/** The messages of a chat completion's body, and how detailed each of its pictures is to be seen. */
export async function chatMessages(
  body: Fields,
  sources: FindSources,
): Promise<{ messages: Message<Source>[]; details: unknown[] }> {
  const { where, record } = body;
  const listed = record['messages'];
  if (!Array.isArray(listed) || listed.length === 0) throw wrong(`${where}: messages`, listed, 'a list of messages');
  const messages: Message<Source>[] = [];
  const details: unknown[] = [];
  for (const [index, value] of (listed as unknown[]).entries()) {
    const place = `${where}: messages[${index}]`;
    const message = {
      where: place,
      record: asRecord(value, place),
      exact: () => exactPart(body, ['messages', index]),
    };
    messages.push(await readMessage(message, { sources, details }));
  }
  return { messages, details };
}

interface Reading {
  sources: FindSources;
  details: unknown[];
}

async function readMessage(message: Fields, reading: Reading): Promise<Message<Source>> {
  const { where, record } = message;
  const { role: named, prefix } = record;
  const role = typeof named === 'string' && Object.hasOwn(roles, named) ? roles[named] : undefined;
  if (!role) throw wrong(`${where}.role`, named, `one of ${Object.keys(roles).join(', ')}`);
  if (prefix !== undefined && typeof prefix !== 'boolean') throw wrong(`${where}.prefix`, prefix, 'true or false');
  const callId = role === 'tool' ? optionalText(message, 'tool_call_id') : undefined;
  const toolCalls = role === 'assistant' ? readToolCalls(message) : undefined;
  return {
    role,
    content: [...thoughtsOf(message), ...(await readContent(message, reading))],
    ...(prefix === true && { prefix }),
    ...(toolCalls && { toolCalls }),
    ...(callId !== undefined && { callId }),
  };
}

/** An empty text is nothing said; a list with one is. */
async function readContent({ where, record }: Fields, reading: Reading): Promise<Content> {
  const { content, role } = record;
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }];
  if (role === 'assistant' && (content === undefined || content === null)) return [];
  if (!Array.isArray(content)) throw wrong(`${where}.content`, content, 'a text or a list of parts');
  const parts: Content = [];
  for (const part of content as unknown[]) {
    const read = await readPart(part, { ...reading, where: `${where}.content` });
    parts.push(...read);
  }
  return parts;
}

async function readPart(value: unknown, { where, sources, details }: Reading & { where: string }): Promise<Content> {
  const part = asRecord(value, where);
  switch (part['type']) {
    case 'text':
      if (typeof part['text'] === 'string') return [{ kind: 'text', text: part['text'] }];
      throw wrong(`${where}: text`, part['text'], 'a text');
    case 'image_url': {
      const { url, detail } = imageOf(part['image_url'], where);
      details.push(detail);
      return (await sources(url, `${where}: image_url`)).map((image) => ({ kind: 'image', image }));
    }
    case 'file': {
      const { file_data: url } = asRecord(part['file'], `${where}: file`);
      if (typeof url !== 'string') throw wrong(`${where}: file.file_data`, url, 'a data: URI');
      return (await sources(url, `${where}: file.file_data`)).map((image) => ({ kind: 'image', image }));
    }
    case 'thinking':
      return [readThoughts(part, where)];
    case 'input_audio':
    case 'audio_url':
      throw new PixtralError('input', `${where}: ${part['type']} is not supported: these models see, but do not hear`);
    default:
      throw wrong(where, value, 'a part of type text, image_url, file or thinking');
  }
}

function imageOf(named: unknown, where: string): { url: string; detail: unknown } {
  const { url, detail } = typeof named === 'string' ? { url: named } : asRecord(named, `${where}: image_url`);
  if (typeof url !== 'string') throw wrong(`${where}: image_url.url`, url, 'a URL');
  return { url, detail };
}

function readThoughts({ thinking, closed = true }: Record<string, unknown>, where: string): Thoughts {
  if (typeof thinking !== 'string') throw wrong(`${where}: thinking`, thinking, 'a text');
  if (typeof closed !== 'boolean') throw wrong(`${where}: closed`, closed, 'true or false');
  return { kind: 'thinking', text: thinking, closed };
}

/** What a server has told as thoughts, in either of the fields that programs send back. */
function thoughtsOf(message: Fields): Thoughts[] {
  const [content, reasoning] = ['reasoning_content', 'reasoning'].map((name) => optionalText(message, name));
  if (content !== undefined && reasoning !== undefined && content !== reasoning) {
    throw new PixtralError('input', `${message.where}: reasoning_content and reasoning differ, expected one of them`);
  }
  const text = content ?? reasoning;
  if (text === undefined) return [];
  if (message.record['role'] !== 'assistant') {
    throw new PixtralError('input', `${message.where}: reasoning_content stands in an answer only`);
  }
  return [{ kind: 'thinking', text, closed: true }];
}

function readToolCalls(message: Fields): ToolCall[] | undefined {
  const listed = message.record['tool_calls'] ?? undefined;
  if (listed === undefined) return undefined;
  const where = `${message.where}.tool_calls`;
  if (!Array.isArray(listed)) throw wrong(where, listed, 'a list of calls');
  return (listed as unknown[]).map((value, index) => {
    const place = `${where}[${index}]`;
    const { id, type = 'function', function: called } = asRecord(value, place);
    if (type !== 'function') throw wrong(`${place}.type`, type, '"function"');
    if (id !== undefined && id !== null && typeof id !== 'string') throw wrong(`${place}.id`, id, 'a text');
    const { name, arguments: json } = asRecord(called, `${place}.function`);
    if (typeof name !== 'string') throw wrong(`${place}.function.name`, name, 'a name');
    return { id: id ?? undefined, name, arguments: typeof json === 'string' ? json : writtenArguments(message, index) };
  });
}

/** Some programs send the object itself, or nothing. */
function writtenArguments(message: Fields, index: number): string {
  const exact = exactPart(message, ['tool_calls', index, 'function', 'arguments']);
  return exact === undefined || exact.kind === 'word' ? '' : writeExactJson(exact);
}
