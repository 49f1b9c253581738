import { PixtralError } from '../base/errors.ts';
import type { Chunk, Message } from './message.ts';

/** Neighbouring messages of one role, as one; between two of a turn's text chunks there is always an image. */
export interface Turn<I> {
  role: Message<I>['role'];
  chunks: Chunk<I>[];
  prefix: boolean;
}

/** What stands between texts that belong to one turn. */
export const paragraph = '\n\n';

/**
 * Checks a conversation's order and merges its messages into turns; each system message stays a turn of its own.
 * @throws PixtralError('input') for an order of roles that Mistral's models were not trained on
 */
export function mergeTurns<I>(messages: readonly Message<I>[]): Turn<I>[] {
  checkOrder(messages);
  const turns: Turn<I>[] = [];
  for (const { role, content, prefix } of messages) {
    const last = turns.at(-1);
    const isMore = last?.role === role && role !== 'system';
    const turn = isMore ? last : { role, chunks: [], prefix: false };
    if (!isMore) turns.push(turn);
    appendChunks(turn.chunks, content);
    turn.prefix ||= prefix === true;
  }
  for (const turn of turns) checkChunks(turn);
  return turns;
}

/** The text of a turn that holds no image. */
export function turnText<I>({ chunks }: Turn<I>): string {
  return chunks.map((chunk) => (chunk.kind === 'text' ? chunk.text : '')).join('');
}

function appendChunks<I>(chunks: Chunk<I>[], more: readonly Chunk<I>[]): void {
  for (const chunk of more) {
    const last = chunks.at(-1);
    if (chunk.kind === 'image') chunks.push(chunk);
    else if (chunk.text === '') continue;
    else if (last?.kind === 'text')
      chunks[chunks.length - 1] = { kind: 'text', text: last.text + paragraph + chunk.text };
    else chunks.push(chunk);
  }
}

function checkOrder<I>(messages: readonly Message<I>[]): void {
  const last = messages.at(-1);
  if (last === undefined) throw badConversation('no message, expected at least one of the user');
  if (last.role === 'assistant' && last.prefix !== true) {
    throw badConversation('the last message is an answer, expected one of the user or the start of an answer');
  }
  if (messages.length === 1 && last.role === 'assistant') {
    throw badConversation('the only message is an answer, expected one of the user before it');
  }
  for (const [i, message] of messages.entries()) {
    if (message.role === 'system' && messages[i - 1]?.role === 'assistant') {
      throw badConversation(
        `message ${i + 1} is a system prompt after an answer, expected one of the user between them`,
      );
    }
    if (message.prefix === true && (message.role !== 'assistant' || message !== last)) {
      throw badConversation(`message ${i + 1} is to be continued, which only an answer at the end can be`);
    }
  }
}

function checkChunks<I>({ role, chunks }: Turn<I>): void {
  if (role === 'user') return;
  if (chunks.some((chunk) => chunk.kind === 'image')) {
    throw badConversation(`an image in a message of the ${role}, expected text only`);
  }
  if (role === 'assistant' && chunks.length === 0) throw badConversation('an answer without text');
}

function badConversation(what: string): PixtralError {
  return new PixtralError('input', `conversation: ${what}`);
}
