import { schemaFormat } from '../../grammar/answer-format.ts';
import { PixtralError } from '../../base/errors.ts';
import { schemeSource } from '../../image/sources/sources.ts';
import { definitions, wrap } from '../../output/wrap.ts';
import { schemaText } from '../format-options.ts';
import { askTurn } from './ask-turn.ts';
import { attach } from './attach.ts';
import { type Chat, change, columnsOf } from './chat.ts';
import { contextReport, pictureName } from './context-use.ts';
import { lineWords } from './line-words.ts';
import { namedPictures, withHome } from './read-line.ts';
import { allPictures, wordsOf } from './session.ts';
import { autosave, openTranscript, saveTranscript } from './transcript-file.ts';

/** What the conversation does next. */
export type Next = { kind: 'go on' } | { kind: 'edit'; draft: string } | { kind: 'end' };

export interface ChatCommand {
  /** `PATH|URL...` */
  takes: string;
  does: string;
  /** Its words are paths, which Tab completes. */
  isPath?: true;
  run(chat: Chat, call: { rest: string; interrupt: AbortSignal }): Promise<Next | void> | Next | void;
}

/** In the order of /help. */
export const chatCommands: Readonly<Record<string, ChatCommand>> = {
  image: {
    takes: 'PATH|URL...',
    does: 'pictures for the next question; a dropped path does it too',
    isPath: true,
    async run(chat, { rest, interrupt }) {
      if (rest === '') throw usage('/image: names no picture, expected paths or URLs');
      await attach(chat, await namedPictures(rest, process.platform), interrupt);
    },
  },
  paste: {
    takes: '',
    does: 'the picture in the clipboard',
    async run(chat, { interrupt }) {
      await attach(chat, [schemeSource('clip:')!], interrupt);
    },
  },
  drop: {
    takes: '[N|turn [N]]',
    does: 'forget picture N or turn N; without a number the last one',
    async run(chat, { rest }) {
      drop(chat, rest);
      if (chat.session.turns.length > 0) await autosave(chat);
    },
  },
  system: {
    takes: '[TEXT|off]',
    does: 'system prompt from now on',
    run(chat, { rest }) {
      if (rest === '') return chat.note(`${chat.session.system ?? 'there is no system prompt'}\n`);
      change(chat, { kind: 'system', text: rest === 'off' ? undefined : rest });
    },
  },
  schema: {
    takes: 'FILE|SHORT FORM|off',
    does: "answers are JSON of this schema from now on; short: 'shop, total: number'",
    isPath: true,
    async run(chat, { rest }) {
      if (rest === '') return chat.note(`${chat.session.schema?.named ?? 'answers are free text'}\n`);
      await setSchema(chat, rest === 'off' ? undefined : rest);
    },
  },
  retry: {
    takes: '',
    does: 'ask the last question again',
    async run(chat, { interrupt }) {
      change(chat, { kind: 'taken back' });
      await askTurn(chat, lastQuestion(chat), interrupt);
    },
  },
  edit: {
    takes: '',
    does: 'change the last question and ask it again',
    run(chat) {
      if (!chat.isTyped) throw usage('/edit: nobody is there to edit, expected a terminal');
      change(chat, { kind: 'taken back' });
      return { kind: 'edit', draft: wordsOf(lastQuestion(chat)) };
    },
  },
  save: {
    takes: 'FILE',
    does: 'the transcript, for /open, pixtral ask --messages and pixtral batch --records',
    isPath: true,
    async run(chat, { rest }) {
      const path = fileOf(rest, 'save');
      await saveTranscript(chat, path);
      chat.transcript ??= { path, isOurs: true };
      chat.note(`saved in ${JSON.stringify(path)}; it is kept up to date from now on\n`);
    },
  },
  open: {
    takes: 'FILE',
    does: 'go on from a transcript',
    isPath: true,
    async run(chat, { rest, interrupt }) {
      await openTranscript(chat, fileOf(rest, 'open'), interrupt);
    },
  },
  tokens: {
    takes: '',
    does: 'who takes how much of the context, and what is left',
    run: (chat) => chat.note(contextReport(chat)),
  },
  help: { takes: '', does: 'this list', run: (chat) => chat.note(helpText(columnsOf(chat))) },
  exit: { takes: '', does: 'the end; Ctrl-D does it too', run: () => ({ kind: 'end' }) },
};

export function isCommand(name: string): boolean {
  return Object.hasOwn(chatCommands, name);
}

/** @param named a file or a short form. @throws PixtralError naming what is wrong with it */
export async function setSchema(chat: Chat, named: string | undefined): Promise<void> {
  if (named === undefined) return change(chat, { kind: 'schema', schema: undefined });
  const text = await schemaText(withHome(named));
  schemaFormat(text, named);
  change(chat, { kind: 'schema', schema: { named, text } });
}

function helpText(columns: number): string {
  const rows = Object.entries(chatCommands).map(
    ([name, { takes, does }]) => [`/${name} ${takes}`.trim(), does] as const,
  );
  return definitions(rows, columns) + wrap(linesHelp, { columns, indent: '' });
}

const linesHelp =
  'A line that ends with \\ goes on with the next one; one that begins with a blank is text, whatever it says.';

function drop(chat: Chat, rest: string): void {
  const [, isTurn, digits] = /^(turn)?\s*(\d+)?$/.exec(rest) ?? [];
  if (rest !== '' && isTurn === undefined && digits === undefined) {
    throw usage(`/drop ${rest}: expected the number of a picture, or turn and a number`);
  }
  const { session } = chat;
  if (isTurn !== undefined) {
    const turn = digits === undefined ? session.turns.length : Number(digits);
    const dropped = session.turns[turn - 1];
    if (!dropped) throw usage(`/drop turn ${digits ?? ''}: there ${counted(session.turns.length, 'turn')}`);
    change(chat, { kind: 'turn dropped', turn });
    return chat.note(`dropped turn ${turn}\n`);
  }
  const pictures = allPictures(session);
  const picture = digits === undefined ? pictures.at(-1) : pictures.find(({ number }) => number === Number(digits));
  if (!picture) {
    const numbers = pictures.map(({ number }) => number).join(', ');
    throw usage(`/drop ${rest}: no such picture, ${numbers === '' ? 'there is none' : `expected one of ${numbers}`}`);
  }
  change(chat, { kind: 'picture dropped', number: picture.number });
  chat.note(`dropped ${picture.number}: ${pictureName(picture)}\n`);
}

function counted(count: number, what: string): string {
  return count === 1 ? `is 1 ${what}` : `are ${count} ${what}s`;
}

function lastQuestion({ session: { unanswered } }: Chat) {
  if (unanswered) return unanswered;
  throw usage('nothing was asked yet, expected a question before');
}

function fileOf(rest: string, command: string): string {
  const [one, ...others] = lineWords(rest, process.platform);
  if (!one) throw usage(`/${command}: names no file, expected one`);
  return withHome(others.length === 0 ? one.word : rest);
}

function usage(message: string): PixtralError {
  return new PixtralError('usage', message);
}
