import type { ExactJson } from '../base/exact-json.ts';

/** One part of a message, in the order in which a person sees them. `I` is whatever carries a picture's grid. */
export type Chunk<I> = { kind: 'text'; text: string } | { kind: 'image'; image: I };

/** What a reasoning model thought before it answered; `closed` unless it is to go on thinking. */
export interface Thoughts {
  kind: 'thinking';
  text: string;
  closed: boolean;
}

export interface Message<I> {
  role: 'system' | 'user' | 'assistant' | 'tool';
  /** No chunk at all is not the same as one empty text: only the latter counts as said. */
  content: readonly (Chunk<I> | Thoughts)[];
  /** The last message only, an assistant's: the model goes on from its text. */
  prefix?: boolean;
  /** An assistant's: the tools that it asks for. */
  toolCalls?: readonly ToolCall[];
  /** A tool's: the call that it answers. */
  callId?: string;
}

export interface ToolCall {
  id: string | undefined;
  name: string;
  /** JSON, as the model wrote it or as a program did. */
  arguments: string;
}

/** A function that the model may ask for. */
export interface Tool {
  name: string;
  description: string;
  /** A JSON Schema. */
  parameters: ExactJson;
}

/** What a conversation is held with, beside its messages. */
export interface Around {
  tools?: readonly Tool[] | undefined;
  /** How much a model is to think whose tokenizer has settings: `none`, `low`, ... Its own default without. */
  reasoningEffort?: string | undefined;
  /** The schema of the answer; told to those models that are used to it. */
  jsonSchema?: ExactJson | undefined;
}

/**
 * A message as several of the same role, so that its neighbouring texts are paragraphs in every version: within one
 * message v15 puts nothing between them.
 */
export function asParagraphs<I>(message: Message<I>): Message<I>[] {
  const messages: (Message<I> & { content: (Chunk<I> | Thoughts)[] })[] = [{ ...message, content: [] }];
  for (const chunk of message.content) {
    const { content } = messages.at(-1)!;
    if (chunk.kind === 'text' && content.at(-1)?.kind === 'text') messages.push({ ...message, content: [chunk] });
    else content.push(chunk);
  }
  return messages;
}

/** What carries the pictures of a message, in their order. */
export function imagesOf<I>(content: readonly (Chunk<I> | Thoughts)[]): I[] {
  return content.flatMap((chunk) => (chunk.kind === 'image' ? [chunk.image] : []));
}

/** A picture's layout in tokens, after resizing: `columns` across and `rows` down. */
export interface Gridded {
  grid: { columns: number; rows: number };
}
