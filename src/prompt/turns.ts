import { badAnswer, badConversation } from './conversation.ts';
import type { Chunk, Message, Thoughts, ToolCall } from './message.ts';
import type { Template } from './template.ts';

/** Neighbouring messages of one role, as one; no two of a turn's chunks are text. */
export interface Turn<I> {
  role: Message<I>['role'];
  chunks: (Chunk<I> | Thoughts)[];
  prefix: boolean;
  toolCalls: ToolCall[];
  callId: string | undefined;
  /** Whether a message said anything at all, be it an empty text. */
  isSaid: boolean;
}

/** What stands between texts of neighbouring messages. */
export const paragraph = '\n\n';

/**
 * Merges neighbouring messages of a user, and of an assistant, into turns; every other message stays a turn of its own.
 * @throws PixtralError('input') for an answer that says nothing, or too much
 */
export function mergeTurns<I>(messages: readonly Message<I>[], template: Template): Turn<I>[] {
  const turns: Turn<I>[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    const isMore = last?.role === message.role && (message.role === 'user' || message.role === 'assistant');
    const turn: Turn<I> = isMore ? last : newTurn(message.role);
    if (!isMore) turns.push(turn);
    append(turn, message, template);
  }
  for (const turn of turns) checkAnswer(turn, template);
  return template.tools?.resultsBy === 'id' ? inOrderOfCalls(turns) : turns;
}

/** The text of a turn that holds nothing else. */
export function turnText<I>({ chunks }: Turn<I>): string {
  return chunks.map((chunk) => (chunk.kind === 'text' ? chunk.text : '')).join('');
}

export function newTurn<I>(role: Turn<I>['role']): Turn<I> {
  return { role, chunks: [], prefix: false, toolCalls: [], callId: undefined, isSaid: false };
}

function append<I>(turn: Turn<I>, { content, prefix, toolCalls, callId }: Message<I>, template: Template): void {
  let separator: string = paragraph; // what would part the next text from the one before it
  for (const chunk of content) {
    if (chunk.kind !== 'text') turn.chunks.push(chunk);
    else if (chunk.text === '') continue;
    else {
      const last = turn.chunks.at(-1);
      if (last?.kind === 'text') last.text += separator + chunk.text;
      else turn.chunks.push({ ...chunk });
      separator = template.textSeparator;
    }
  }
  turn.prefix ||= prefix === true;
  turn.toolCalls.push(...(toolCalls ?? []));
  turn.callId = callId;
  turn.isSaid ||= content.length > 0;
}

function checkAnswer<I>({ role, chunks, toolCalls }: Turn<I>, { tools }: Template): void {
  if (role !== 'assistant') return;
  if (chunks.length === 0 && toolCalls.length === 0) throw badConversation('an answer without text');
  if (tools?.callsBesideText === false && chunks.length > 0 && toolCalls.length > 0) throw badAnswer();
}

/** Results one after the other, as their calls stood. */
function inOrderOfCalls<I>(turns: readonly Turn<I>[]): Turn<I>[] {
  let calls: (string | undefined)[] = [];
  const rank = ({ callId }: Turn<I>): number => (calls.includes(callId) ? calls.indexOf(callId) : Infinity);
  const ordered: Turn<I>[] = [];
  let results: Turn<I>[] = [];
  const endResults = (): void => {
    if (results.length === 0) return;
    ordered.push(...results.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b))));
    results = [];
    calls = [];
  };
  for (const turn of turns) {
    if (turn.role === 'tool') {
      results.push(turn);
      continue;
    }
    endResults();
    ordered.push(turn);
    calls.push(...turn.toolCalls.map(({ id }) => id));
  }
  endResults();
  return ordered;
}
