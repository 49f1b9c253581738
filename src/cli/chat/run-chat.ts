import { PixtralError } from '../../base/errors.ts';
import { endsLikePicture } from '../../image/sources/expand.ts';
import { printError } from '../../output/errors.ts';
import { withoutPasswords } from '../../base/without-passwords.ts';
import { printable } from '../../output/printable.ts';
import { wrap } from '../../output/wrap.ts';
import { engineOptions } from '../engine-flags.ts';
import { type Io, hasColor, pictureStdinBytes } from '../io.ts';
import { namedModel } from '../named-model.ts';
import { pictureSettings } from '../picture-flags.ts';
import { openFlagServers, serverWords } from '../server-flags.ts';
import { userCache } from '../user-cache.ts';
import { askTurn } from './ask-turn.ts';
import { attach } from './attach.ts';
import { type Chat, type ChatFlags, type Partner, change, columnsOf } from './chat.ts';
import { type Next, chatCommands, isCommand, setSchema } from './commands.ts';
import { completions } from './completion.ts';
import { openHistory } from './history.ts';
import type { Lines } from './lines.ts';
import { pictureViewer } from './picture-viewer.ts';
import { pipedLines } from './piped-lines.ts';
import { namedPictures, readLine } from './read-line.ts';
import { type Part, allPictures, emptySession } from './session.ts';
import { openTranscript } from './transcript-file.ts';
import { typedLines } from './typed-lines.ts';

/** Talks until the lines end. @throws PixtralError the first mistake, where nobody is there to correct it */
export async function runChat(words: readonly string[], { flags, io }: { flags: ChatFlags; io: Io }): Promise<void> {
  const partner = await openPartner(flags, io);
  try {
    const chat = await openChat(partner, { flags, io });
    await prepare(chat, words);
    const lines = await openLines(chat);
    const close = (): void => lines.close();
    io.signal.addEventListener('abort', close, { once: true }); // it may wait for a line
    try {
      await converse(chat, lines);
    } finally {
      io.signal.removeEventListener('abort', close);
      close();
    }
  } finally {
    await partner.answerer.close();
  }
}

async function openPartner(flags: ChatFlags, io: Io): Promise<Partner> {
  const servers = serverWords(flags, io);
  return servers ? openServersPartner(servers, { flags, io }) : openModelPartner(flags, io);
}

async function openServersPartner(
  words: readonly string[],
  { flags, io }: { flags: ChatFlags; io: Io },
): Promise<Partner> {
  const answerer = await openFlagServers(words, { flags, io, note: (lines) => io.stderr.write(lines) });
  const sizes = answerer.found.flatMap(({ contextSize }) => contextSize ?? []);
  return {
    answerer,
    name: answerer.found[0]?.model ?? 'a server',
    tekken: undefined,
    contextSize: sizes.length === 0 ? undefined : Math.min(...sizes),
  };
}

async function openModelPartner(flags: ChatFlags, io: Io): Promise<Partner> {
  const { resolveModel } = await import('../../engine/runtime/resolve.ts');
  const { openEngine } = await import('../../engine/engine.ts');
  const { notice, ...paths } = await resolveModel(await namedModel(flags, io));
  if (notice !== undefined) io.stderr.write(`${notice}\n`);
  const cache = flags.cache ? await userCache(io) : undefined;
  const note = (lines: string): void => io.stderr.write(lines);
  const reproducible = flags.reproducible === true;
  const talk = { parallel: 1, questions: 1, reproducible, growing: true } as const;
  const engine = await openEngine(engineOptions(flags, { paths, cache, io, note, ...talk }));
  engine.start(io.signal).catch(() => {}); // meanwhile; the first question is told what failed
  const { files } = engine;
  const contextSize = flags.context === 'auto' ? files.decoder.trainedContext : flags.context;
  return { answerer: engine, name: files.name, tekken: files.tekken, contextSize };
}

async function openChat(partner: Partner, { flags, io }: { flags: ChatFlags; io: Io }): Promise<Chat> {
  const isTyped = io.terminal !== undefined;
  const viewer = isTyped ? await pictureViewer(flags, { io, image: partner.answerer.image }) : undefined;
  const { signal: _, ...settings } = pictureSettings(flags, { io, stdin: async () => new Uint8Array() });
  return {
    session: emptySession,
    partner,
    flags,
    io,
    pictures: settings,
    isTyped,
    viewer,
    transcript: undefined,
    lastSeed: undefined,
    note: (lines) => io.stderr.write(printable(withoutPasswords(lines))),
  };
}

/** What the command line asks for, before the first line. */
async function prepare(chat: Chat, words: readonly string[]): Promise<void> {
  const { flags, io } = chat;
  if (flags.open !== undefined) await openTranscript(chat, flags.open, io.signal);
  if (flags.transcript !== undefined) {
    chat.transcript = { path: flags.transcript, isOurs: flags.transcript === flags.open };
  }
  if (flags.system !== undefined) change(chat, { kind: 'system', text: flags.system });
  if (flags.schema !== undefined) await setSchema(chat, flags.schema);
  for (const word of words) await attach(chat, await namedPictures(word, process.platform), io.signal);
}

async function openLines(chat: Chat): Promise<Lines> {
  const { io, flags, partner } = chat;
  if (!io.terminal) return pipedLines(piecesOf(io), io.signal);
  const room = partner.contextSize === undefined ? '' : `, context of ${partner.contextSize} tokens`;
  const welcome = `${partner.name}${room}. /help lists commands; Ctrl-C ends an answer, Ctrl-D the conversation.`;
  chat.note(wrap(welcome, { columns: columnsOf(chat), indent: '' }));
  return typedLines(io.terminal, {
    history: flags.history ? await openHistory(io) : undefined,
    complete: (line) => completions(line, process.platform),
    hint: 'Ctrl-D or /exit ends the conversation; Ctrl-C ends an answer',
  });
}

async function* piecesOf({ stdin }: Io): AsyncGenerator<Uint8Array, void> {
  if (stdin.pieces) yield* stdin.pieces();
  else yield await stdin.read(pictureStdinBytes);
}

async function converse(chat: Chat, lines: Lines): Promise<void> {
  let next: Next = { kind: 'go on' };
  while (next.kind !== 'end') {
    const message = await lines.next(next.kind === 'edit' ? next.draft : undefined);
    chat.io.signal.throwIfAborted();
    if (message === undefined) return;
    if (message.trim() === '') continue;
    next = await lines.during((interrupt) => answerLine(chat, message, AbortSignal.any([chat.io.signal, interrupt])));
  }
}

/** A mistake is told, and the conversation stays as it was. */
async function answerLine(chat: Chat, line: string, interrupt: AbortSignal): Promise<Next> {
  try {
    return (await obey(chat, line, interrupt)) ?? { kind: 'go on' };
  } catch (thrown) {
    chat.io.signal.throwIfAborted();
    const isCut = interrupt.aborted;
    if (!chat.isTyped || (!isCut && !(thrown instanceof PixtralError))) throw thrown;
    if (isCut) chat.note('interrupted\n');
    else {
      const color = hasColor(chat.flags, chat.io);
      printError(thrown, chat.io.stderr, { json: false, verbose: chat.flags.verbose === true, color });
    }
    return { kind: 'go on' };
  }
}

async function obey(chat: Chat, line: string, interrupt: AbortSignal): Promise<Next | void> {
  const isBlind = allPictures(chat.session).length === 0;
  const read = await readLine(line, { isCommand, isBlind, platform: process.platform });
  switch (read.kind) {
    case 'command':
      return chatCommands[read.name]!.run(chat, { rest: read.rest, interrupt });
    case 'pictures':
      await attach(chat, read.sources, interrupt);
      return undefined;
    case 'question':
      if (read.parts.some(namesPictureUrl))
        chat.note('note: a URL in a sentence stays text; /image URL shows its picture\n');
      return askTurn(chat, await questionOf(chat, read.parts, interrupt), interrupt);
    default:
      return read satisfies never;
  }
}

function namesPictureUrl(part: { kind: 'text'; text: string } | { kind: 'source' }): boolean {
  const urls = part.kind === 'text' ? (part.text.match(/https?:\/\/[^\s"'<>)]+/gi) ?? []) : [];
  return urls.some((url) => endsLikePicture(url.replace(/(?<![.,;:!?])[.,;:!?]+$/, '')));
}

/** Pictures that a sentence names are attached and stand where their names stood. */
async function questionOf(
  chat: Chat,
  parts: Extract<Awaited<ReturnType<typeof readLine>>, { kind: 'question' }>['parts'],
  interrupt: AbortSignal,
): Promise<Part[]> {
  const question: Part[] = [];
  const sources = parts.flatMap((part) => (part.kind === 'source' ? [part.source] : []));
  const attached = sources.length === 0 ? [] : await attach(chat, sources, interrupt);
  for (const part of parts) {
    if (part.kind === 'text') question.push(part);
    else question.push({ kind: 'picture', picture: attached.shift()! });
  }
  return question;
}
