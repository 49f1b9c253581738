import { pictureReceipt } from '../../asking/pictures/receipt.ts';
import { PixtralError } from '../../base/errors.ts';
import { pictureLabel } from '../../output/picture-label.ts';
import { printableLine } from '../../output/printable.ts';
import { table } from '../../output/table.ts';
import { encodePrompt } from '../../prompt/encode.ts';
import type { Chat } from './chat.ts';
import {
  type Attachment,
  type Part,
  allPictures,
  messagesOf,
  picturesOf,
  seenOf,
  withPending,
  wordsOf,
} from './session.ts';

/** An answer that has no more room than this is none. */
const leastAnswer = 64;

/** Ids of the conversation with a question at its end; undefined where the tokenizer is not known. */
export function promptTokens({ session, partner }: Chat, question: readonly Part[]): number | undefined {
  const { tekken } = partner;
  return tekken && encodePrompt(messagesOf(session, question), tekken).reduce((sum, { ids }) => sum + ids.length, 0);
}

/** @throws PixtralError `input` when the question leaves no room for an answer: nothing is ever cut off unasked */
export function checkRoom(chat: Chat, question: readonly Part[]): void {
  const { contextSize } = chat.partner;
  const used = promptTokens(chat, question);
  if (contextSize === undefined || used === undefined) return;
  const left = contextSize - used;
  if (left < Math.min(leastAnswer, chat.flags.maxTokens)) throw full(chat, { question, used, contextSize });
  if (left < chat.flags.maxTokens && left < contextSize / 8) {
    chat.note(`note: ${left} of ${contextSize} tokens are left for this answer; /tokens says what takes them\n`);
  }
}

function full(
  chat: Chat,
  { question, used, contextSize }: { question: readonly Part[]; used: number; contextSize: number },
): PixtralError {
  const frees = droppable(chat, question).slice(0, 6);
  const hint =
    frees.length === 0
      ? 'ask less at once, or raise --context'
      : frees.map(({ command, tokens, label }) => `${command} frees ${tokens}: ${label}`).join('\n      ');
  return new PixtralError(
    'input',
    `context: is full: with this question the conversation has ${used} tokens, expected at most ${contextSize - leastAnswer} of ${contextSize}; nothing was sent`,
    { hint },
  );
}

/** What can go, the largest first. */
function droppable(chat: Chat, question: readonly Part[]): { command: string; tokens: number; label: string }[] {
  const asked = new Set(picturesOf(question));
  const pictures = [...new Set([...allPictures(chat.session), ...asked])].map((picture) => ({
    command: `/drop ${picture.number}`,
    tokens: pictureTokens(picture),
    label: pictureName(picture),
  }));
  const turns = chat.session.turns.map((turn, index) => ({
    command: `/drop turn ${index + 1}`,
    tokens: turnTokens(chat, turn.question) + textTokens(chat, turn.answer.text),
    label: shortened(wordsOf(turn.question)),
  }));
  return [...pictures, ...turns].toSorted((a, b) => b.tokens - a.tokens);
}

/** Who takes how much of the context, and what is left. */
export function contextReport(chat: Chat): string {
  const { session, partner } = chat;
  const count = (tokens: number): string => (partner.tekken ? String(tokens) : '');
  const pictureRows = (pictures: readonly Attachment[]): string[][] =>
    pictures.map((picture) => [`  picture ${picture.number}`, String(pictureTokens(picture)), pictureName(picture)]);
  const rows = [
    ...(session.system === undefined
      ? []
      : [['system prompt', count(textTokens(chat, session.system)), shortened(session.system)]]),
    ...session.turns.flatMap(({ question, answer }, index) => [
      [`turn ${index + 1}`, count(turnTokens(chat, question)), shortened(wordsOf(question))],
      ...pictureRows(picturesOf(question)),
      ['  answer', count(textTokens(chat, answer.text)), shortened(answer.text) + (answer.interrupted ? ' (cut)' : '')],
    ]),
    ...(session.pending.length === 0 ? [] : [['next question', '', ''], ...pictureRows(session.pending)]),
  ];
  const used = promptTokens(chat, withPending(session, session.unanswered ?? [{ kind: 'text', text: '' }]));
  if (used === undefined || partner.contextSize === undefined) return table(rows);
  const left = Math.max(0, partner.contextSize - used);
  return `${table(rows)}${used} of ${partner.contextSize} tokens, ${left} left for questions and answers\n`;
}

/** A question's own, with its pictures. */
function turnTokens(chat: Chat, question: readonly Part[]): number {
  const pictures = picturesOf(question).reduce((sum, picture) => sum + pictureTokens(picture), 0);
  return pictures + textTokens(chat, wordsOf(question));
}

function textTokens({ partner }: Chat, text: string): number {
  return partner.tekken?.encode(text).length ?? 0;
}

function pictureTokens(picture: Attachment): number {
  return seenOf(picture).reduce((sum, image) => sum + pictureReceipt(image).tokens, 0);
}

/** With pages, where there are several. */
export function pictureName(picture: Attachment): string {
  const [first, ...others] = seenOf(picture).map(pictureReceipt);
  if (!first) return printableLine(picture.source.name);
  return printableLine(pictureLabel(first)) + (others.length === 0 ? '' : ` and ${others.length} more`);
}

function shortened(text: string): string {
  const line = printableLine(text.replaceAll(/\s+/g, ' '));
  return line.length > 48 ? `${line.slice(0, 45)}...` : line;
}
