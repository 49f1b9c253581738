import type { Tekken } from '../tokenizer/tekken.ts';
import { checkConversation, checkTools } from './conversation.ts';
import type { Around, Chunk, Message, Thoughts } from './message.ts';
import { type Segment, control, text } from './segment.ts';
import { settingsJson } from './settings.ts';
import { type Template, templates } from './template.ts';
import { callSegments, resultSegments, toolSegments } from './tool-segments.ts';
import { mergeTurns, newTurn, paragraph, turnText, type Turn } from './turns.ts';

/**
 * The segments of a prompt, each encoded alone: tokens never merge across them. Judge: mistral-common.
 * @throws PixtralError('input') for a conversation that the tokenizer's version does not have
 */
export function layOut<I>(
  messages: readonly Message<I>[],
  { version, settings }: Pick<Tekken, 'version' | 'settings'>,
  around: Around,
): Segment<I>[] {
  const template = templates[version];
  const { tools = [] } = around;
  checkConversation(messages, template);
  checkTools(tools, template);
  const given = mergeTurns(messages, template);
  const { turns, systemPrompt } =
    template.systemPrompt === 'in the last user turn' ? takeSystemPrompt(given) : { turns: given, systemPrompt: '' };
  const isUser = ({ role }: Turn<I>): boolean => role === 'user';
  const [firstUser, lastUser] = [turns.find(isUser), turns.findLast(isUser)];
  const definedBefore = template.tools?.definedBefore === 'first user turn' ? firstUser : lastUser;
  const before = [...toolSegments(tools), ...settingsSegments(settingsJson(around, { version, settings }))];
  return [
    control('<s>'),
    ...turns.flatMap((turn): Segment<I>[] => [
      ...(turn === definedBefore ? before : []),
      ...layOutTurn(turn, { template, systemPrompt: turn === lastUser ? systemPrompt : '' }),
    ]),
  ];
}

/** Without its system prompts, a conversation that does not start with the user gets an empty turn of the user. */
function takeSystemPrompt<I>(given: readonly Turn<I>[]): { turns: Turn<I>[]; systemPrompt: string } {
  // A message of an empty text counts among those that are joined, one of no text at all does not.
  const prompts = given.filter(({ role, isSaid }) => role === 'system' && isSaid).map(turnText);
  const turns = given.filter((turn) => turn.role !== 'system');
  if (turns[0]?.role !== 'user') turns.unshift(newTurn('user'));
  return { turns, systemPrompt: prompts.join(paragraph) };
}

function settingsSegments(json: string | undefined): Segment<never>[] {
  return json === undefined ? [] : [control('[MODEL_SETTINGS]'), text(json), control('[/MODEL_SETTINGS]')];
}

function layOutTurn<I>(
  turn: Turn<I>,
  { template, systemPrompt }: { template: Template; systemPrompt: string },
): Segment<I>[] {
  switch (turn.role) {
    case 'system':
      return [
        control('[SYSTEM_PROMPT]'),
        ...turn.chunks.flatMap((chunk) => chunkSegments(chunk)),
        control('[/SYSTEM_PROMPT]'),
      ];
    case 'user':
      return [control('[INST]'), ...userContent(turn, systemPrompt), control('[/INST]')];
    case 'assistant':
      return [
        ...answerContent(turn),
        ...callSegments(turn.toolCalls, template),
        ...(turn.prefix ? [] : [control('</s>')]),
      ];
    case 'tool':
      return resultSegments(turn, template);
    default:
      return turn.role satisfies never;
  }
}

function chunkSegments<I>(chunk: Chunk<I> | Thoughts): Segment<I>[] {
  if (chunk.kind !== 'thinking') return [chunk];
  return [control('[THINK]'), text(chunk.text), ...(chunk.closed ? [control('[/THINK]')] : [])];
}

/** The system prompt is one text with the user's own, unless an image is among the chunks. */
function userContent<I>(turn: Turn<I>, systemPrompt: string): Segment<I>[] {
  const lead = systemPrompt === '' ? '' : systemPrompt + paragraph;
  const hasImage = turn.chunks.some((chunk) => chunk.kind === 'image');
  return hasImage
    ? [text(lead), ...imageFirst(turn.chunks).flatMap((chunk) => chunkSegments(chunk))]
    : [text(lead + turnText(turn))];
}

/** An image at the end of nothing but text goes to the front; every other order stays. */
function imageFirst<I>(chunks: Turn<I>['chunks']): Turn<I>['chunks'] {
  const [first, second] = chunks;
  const isTextThenImage = chunks.length === 2 && first?.kind === 'text' && second?.kind === 'image';
  return isTextThenImage ? [second, first] : [...chunks];
}

/** Spaces at the end are left out where there is nothing but text; a newline stays. As mistral-common does it. */
function answerContent<I>(turn: Turn<I>): Segment<I>[] {
  const isText = turn.chunks.every(({ kind }) => kind === 'text');
  return isText ? [text(withoutEndSpaces(turnText(turn)))] : turn.chunks.flatMap((chunk) => chunkSegments(chunk));
}

function withoutEndSpaces(answer: string): string {
  let end = answer.length;
  while (answer[end - 1] === ' ') end--;
  return answer.slice(0, end);
}
