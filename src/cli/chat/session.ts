import type { Picture } from '../../image/decoder/load.ts';
import type { Source } from '../../image/sources/sources.ts';
import { type Chunk, type Message, imagesOf } from '../../prompt/message.ts';

/** One source as it was attached, and what the model sees of it: an image for each page, and words beside them. */
export interface Attachment {
  /** From 1, in the order in which they came; a dropped one's is not given again. */
  number: number;
  source: Source;
  chunks: readonly Chunk<Picture>[];
}

/** A part of a question, in its place. */
export type Part = { kind: 'text'; text: string } | { kind: 'picture'; picture: Attachment };

export interface Said {
  text: string;
  /** Ctrl-C ended it. */
  interrupted: boolean;
}

export interface Turn {
  question: readonly Part[];
  answer: Said;
}

/** What answers have to be, as the user named it. */
export interface Schema {
  named: string;
  /** JSON. */
  text: string;
}

export interface Session {
  system: string | undefined;
  schema: Schema | undefined;
  turns: readonly Turn[];
  /** They go with the next question. */
  pending: readonly Attachment[];
  /** The last question, where it has no answer. Its pictures are pending again. */
  unanswered: readonly Part[] | undefined;
  /** Of the next attachment. */
  nextNumber: number;
}

export type Change =
  | { kind: 'attached'; pictures: readonly { source: Source; chunks: readonly Chunk<Picture>[] }[] }
  | { kind: 'answered'; question: readonly Part[]; answer: Said }
  | { kind: 'unanswered'; question: readonly Part[] }
  /** The last turn becomes a question without an answer. */
  | { kind: 'taken back' }
  | { kind: 'picture dropped'; number: number }
  | { kind: 'turn dropped'; turn: number }
  | { kind: 'system'; text: string | undefined }
  | { kind: 'schema'; schema: Schema | undefined };

export const emptySession: Session = {
  system: undefined,
  schema: undefined,
  turns: [],
  pending: [],
  unanswered: undefined,
  nextNumber: 1,
};

/** The session after a change. */
export function changed(session: Session, change: Change): Session {
  switch (change.kind) {
    case 'attached': {
      const { nextNumber } = session;
      const added = change.pictures.map((picture, index) => ({ ...picture, number: nextNumber + index }));
      return { ...session, pending: [...session.pending, ...added], nextNumber: nextNumber + added.length };
    }
    case 'answered': {
      const { question, answer } = change;
      const pending = withoutPictures(session.pending, question);
      return { ...session, turns: [...session.turns, { question, answer }], pending, unanswered: undefined };
    }
    case 'unanswered': {
      const pending = [...picturesOf(change.question), ...withoutPictures(session.pending, change.question)];
      return { ...session, pending, unanswered: change.question };
    }
    case 'taken back': {
      const last = session.turns.at(-1);
      if (!last) return session;
      const before = { ...session, turns: session.turns.slice(0, -1) };
      return changed(before, { kind: 'unanswered', question: last.question });
    }
    case 'picture dropped':
      return withoutPicture(session, change.number);
    case 'turn dropped':
      return { ...session, turns: session.turns.filter((_, index) => index !== change.turn - 1) };
    case 'system':
      return { ...session, system: change.text };
    case 'schema':
      return { ...session, schema: change.schema };
    default:
      return change satisfies never;
  }
}

/** A question with the pictures that wait for one before its words. */
export function withPending({ pending }: Session, question: readonly Part[]): Part[] {
  return [...withoutPictures(pending, question).map((picture) => ({ kind: 'picture', picture }) as const), ...question];
}

export function picturesOf(question: readonly Part[]): Attachment[] {
  return question.flatMap((part) => (part.kind === 'picture' ? [part.picture] : []));
}

/** All that is attached, asked about or not. */
export function allPictures({ turns, pending }: Session): Attachment[] {
  return [...turns.flatMap(({ question }) => picturesOf(question)), ...pending];
}

/** The user's words, pictures left out. */
export function wordsOf(question: readonly Part[]): string {
  return question
    .flatMap((part) => (part.kind === 'text' ? [part.text] : []))
    .join(' ')
    .trim();
}

/** The conversation with a question at its end, as the model reads it. */
export function messagesOf({ system, turns }: Session, question: readonly Part[] | undefined): Message<Picture>[] {
  return [
    ...(system === undefined ? [] : [{ role: 'system', content: [{ kind: 'text', text: system }] } as const]),
    ...turns.flatMap(({ question: asked, answer }): Message<Picture>[] => [
      { role: 'user', content: contentOf(asked) },
      { role: 'assistant', content: [{ kind: 'text', text: answer.text }] },
    ]),
    ...(question ? [{ role: 'user', content: contentOf(question) } as const] : []),
  ];
}

/** Images of an attachment. */
export function seenOf({ chunks }: Attachment): Picture[] {
  return imagesOf(chunks);
}

function contentOf(question: readonly Part[]): Chunk<Picture>[] {
  return question.flatMap((part): readonly Chunk<Picture>[] => (part.kind === 'text' ? [part] : part.picture.chunks));
}

function withoutPicture(session: Session, number: number): Session {
  const isOther = ({ number: own }: Attachment): boolean => own !== number;
  const isKept = (part: Part): boolean => part.kind === 'text' || isOther(part.picture);
  return {
    ...session,
    pending: session.pending.filter(isOther),
    turns: session.turns.map((turn) => ({ ...turn, question: turn.question.filter(isKept) })),
    unanswered: session.unanswered?.filter(isKept),
  };
}

function withoutPictures(pictures: readonly Attachment[], question: readonly Part[]): Attachment[] {
  const asked = new Set(picturesOf(question).map(({ number }) => number));
  return pictures.filter(({ number }) => !asked.has(number));
}
