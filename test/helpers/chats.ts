import { parseExactJson } from '../../src/base/exact-json.ts';
import { encodePrompt } from '../../src/prompt/encode.ts';
import type { Around, Message } from '../../src/prompt/message.ts';
import { readTools } from '../../src/prompt/read-tools.ts';
import { readModelSettings } from '../../src/tokenizer/model-settings.ts';
import { type Tekken, type TokenizerVersion, createTekken } from '../../src/tokenizer/tekken.ts';
import { type Grid, picture, said } from './tekken-conversations.ts';
import { tekken } from './tekken.ts';

export type Part = { text: string } | { image: [columns: number, rows: number] } | { think: string; closed: boolean };

export interface ChatMessage {
  role: Message<Grid>['role'];
  content: string | Part[] | null;
  calls?: { id: string; name: string; arguments: string }[];
  call_id?: string;
  prefix?: boolean;
}

/** A conversation of fixtures/chats.py. */
export interface Chat {
  version: TokenizerVersion;
  /** Which of the builders, with v15. */
  kind?: string;
  messages: ChatMessage[];
  /** JSON, in OpenAI's form. */
  tools?: string;
  effort?: string;
  /** JSON. */
  schema?: string;
  /** mistral-common's, or null where it refuses. */
  ids: number[] | null;
}

export interface Chats {
  builders: Record<string, unknown>;
  rows: Chat[];
}

/** The ids of a conversation by our own layout. @throws PixtralError where it is refused */
export function chatIds(chat: Chat, builders: Chats['builders']): number[] {
  const { version, kind } = chat;
  return idsBy(kind === undefined ? tekken(version) : withSettings(tekken('v15'), builders[kind]), chat);
}

/** The same by any tokenizer. */
export function idsBy(tokenizer: Tekken, { messages, tools, effort, schema }: Chat): number[] {
  const around: Around = {
    tools: tools === undefined ? undefined : readTools(parseExactJson(tools), 'tools'),
    reasoningEffort: effort,
    jsonSchema: schema === undefined ? undefined : parseExactJson(schema),
  };
  return encodePrompt(messages.map(messageOf), tokenizer, around).flatMap(({ ids }) => ids);
}

function withSettings(plain: Tekken, builder: unknown): Tekken {
  return createTekken({ ...plain, settings: readModelSettings(builder, 'tekken.json') });
}

function messageOf({ role, content, calls, call_id: callId, prefix }: ChatMessage): Message<Grid> {
  const parts = typeof content === 'string' ? (content === '' ? [] : [{ text: content }]) : (content ?? []);
  return {
    role,
    content: parts.map((part) => {
      if ('text' in part) return said(part.text);
      if ('image' in part) return picture(...part.image);
      return { kind: 'thinking', text: part.think, closed: part.closed };
    }),
    ...(calls && { toolCalls: calls }),
    ...(callId !== undefined && { callId }),
    ...(prefix !== undefined && { prefix }),
  };
}
