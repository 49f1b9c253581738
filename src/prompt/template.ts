import type { TokenizerVersion } from '../tokenizer/tekken.ts';
import type { Chunk, Message } from './message.ts';
import { mergeTurns, paragraph, turnText, type Turn } from './turns.ts';

/** What a prompt is made of. Only a control segment becomes a control token; text stays text whatever it says. */
export type Segment<I> =
  | { kind: 'control'; name: string }
  | { kind: 'text'; text: string }
  | { kind: 'image'; image: I };

export interface Template {
  /** System prompts stand before the text of the last user turn, or between control tokens where they were given. */
  systemPrompt: 'in the last user turn' | 'in a turn of its own';
}

/** How each version of Mistral's tokenizer lays a conversation out. */
export const templates: Readonly<Record<TokenizerVersion, Template>> = {
  v3: { systemPrompt: 'in the last user turn' },
  v7: { systemPrompt: 'in a turn of its own' },
  v11: { systemPrompt: 'in a turn of its own' },
  v13: { systemPrompt: 'in a turn of its own' },
};

/** The segments of a prompt, each encoded alone: tokens never merge across them. Judge: mistral-common. */
export function layOut<I>(messages: readonly Message<I>[], template: Template): Segment<I>[] {
  const given = mergeTurns(messages);
  const { turns, systemPrompt } =
    template.systemPrompt === 'in the last user turn' ? takeSystemPrompt(given) : { turns: given, systemPrompt: '' };
  const lastUser = turns.findLast((turn) => turn.role === 'user');
  return [control('<s>'), ...turns.flatMap((turn) => layOutTurn(turn, turn === lastUser ? systemPrompt : ''))];
}

/** Without its system prompts, a conversation that does not start with the user gets an empty turn of the user. */
function takeSystemPrompt<I>(given: readonly Turn<I>[]): { turns: Turn<I>[]; systemPrompt: string } {
  const prompts = given.filter((turn) => turn.role === 'system').map(turnText);
  const turns = given.filter((turn) => turn.role !== 'system');
  if (turns[0]?.role !== 'user') turns.unshift({ role: 'user', chunks: [], prefix: false });
  return { turns, systemPrompt: prompts.filter((prompt) => prompt !== '').join(paragraph) };
}

function layOutTurn<I>(turn: Turn<I>, systemPrompt: string): Segment<I>[] {
  switch (turn.role) {
    case 'system':
      return [control('[SYSTEM_PROMPT]'), text(turnText(turn)), control('[/SYSTEM_PROMPT]')];
    case 'user':
      return [control('[INST]'), ...userContent(turn, systemPrompt), control('[/INST]')];
    case 'assistant':
      return [text(withoutEndSpaces(turnText(turn))), ...(turn.prefix ? [] : [control('</s>')])];
    default:
      return turn.role satisfies never;
  }
}

/** The system prompt is one text with the user's own, unless an image is among the chunks. */
function userContent<I>(turn: Turn<I>, systemPrompt: string): Segment<I>[] {
  const lead = systemPrompt === '' ? '' : systemPrompt + paragraph;
  const hasImage = turn.chunks.some((chunk) => chunk.kind === 'image');
  return hasImage ? [text(lead), ...imageFirst(turn.chunks)] : [text(lead + turnText(turn))];
}

/** An image at the end of nothing but text goes to the front; every other order stays. */
function imageFirst<I>(chunks: readonly Chunk<I>[]): Chunk<I>[] {
  const [first, second] = chunks;
  const isTextThenImage = chunks.length === 2 && first?.kind === 'text' && second?.kind === 'image';
  return isTextThenImage ? [second, first] : [...chunks];
}

/** Spaces only, as mistral-common does it: a newline stays. */
function withoutEndSpaces(answer: string): string {
  let end = answer.length;
  while (answer[end - 1] === ' ') end--;
  return answer.slice(0, end);
}

const control = (name: string): { kind: 'control'; name: string } => ({ kind: 'control', name });
const text = (value: string): { kind: 'text'; text: string } => ({ kind: 'text', text: value });
