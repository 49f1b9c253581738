import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { isThere, writeWhole } from '../../base/files.ts';
import { type Line, readLines } from '../../base/lines.ts';
import { readWhole } from '../../base/read-whole.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import type { Message } from '../../prompt/message.ts';
import { listedSources } from '../../image/sources/expand.ts';
import type { Source } from '../../image/sources/sources.ts';
import { printableLine } from '../../output/printable.ts';
import { batchRequest } from '../../wires/batch-request.ts';
import { formatMemo } from '../../wires/format-memo.ts';
import { shortSchemaField } from '../../wires/short-schema-field.ts';
import { unreadableText } from '../batch/read-text.ts';
import { parseRecord } from '../batch/record-entries.ts';
import { freeText } from '../free-text.ts';
import { load } from './attach.ts';
import type { Chat } from './chat.ts';
import {
  type Part,
  type Schema,
  type Session,
  type Turn,
  changed,
  emptySession,
  picturesOf,
  seenOf,
} from './session.ts';
import { type ChatNotes, sha256Of, transcriptLine } from './transcript.ts';

/** Pictures from the clipboard stand in it. */
const maxBytes = 256 * 2 ** 20;
const what = 'a transcript';

/** A transcript as it stands in its file. */
interface Transcript {
  question: RecordQuestion;
  notes: ChatNotes | undefined;
  schema: Schema | undefined;
}

/** @throws PixtralError `usage` for a file of somebody else's */
export async function saveTranscript(chat: Chat, path: string): Promise<void> {
  const isOurs = chat.transcript?.isOurs === true && (await samePlace(chat.transcript.path, path));
  if (!isOurs && (await isThere(path))) {
    throw new PixtralError('usage', `${path}: is there already`, {
      hint: 'save it under another name, or go on from it: /open, or pixtral chat --open',
    });
  }
  const { partner, flags, lastSeed: seed } = chat;
  const line = transcriptLine(chat.session, { model: partner.name, flags, seed });
  await writeWhole(path, { bytes: Buffer.from(line), force: true, signal: undefined });
}

/** After each turn, where it was asked for. */
export async function autosave(chat: Chat): Promise<void> {
  if (!chat.transcript) return;
  await saveTranscript(chat, chat.transcript.path);
  chat.transcript.isOurs = true;
}

/** @throws PixtralError `input` for what is no conversation */
async function readTranscript(
  path: string,
  { options, detail }: Pick<RecordQuestion, 'options' | 'detail'>,
): Promise<Transcript> {
  const bytes = await readWhole(path, { maxBytes, what, pipes: true }).catch((cause: unknown) => {
    throw unreadableText(path, { what, cause });
  });
  const lines: Line[] = [];
  for await (const line of readLines([bytes])) if (Buffer.from(line.bytes).toString().trim() !== '') lines.push(line);
  const [first] = lines;
  if (!first || lines.length > 1) {
    const found = first ? `holds ${lines.length} records` : 'is empty';
    throw new PixtralError('input', `${path}: ${found}, expected one conversation`, {
      hint: 'pixtral batch --records answers files of many',
    });
  }
  const { record, exact } = parseRecord(first.bytes, path);
  const folder = dirname(path);
  const question = await batchRequest(
    { record, exact, where: path },
    {
      defaults: { options, detail, formats: formatMemo() },
      template: undefined,
      sources: (url, where) => listedSources(url, { folder, where }),
      strict: true,
    },
  );
  if (question.decisions) throw new PixtralError('input', `${path}: holds decisions, expected a conversation`);
  return { question, notes: notesOf(record), schema: schemaOf(record, path) };
}

/** A transcript's last question, or `more` after its answer. @throws PixtralError `usage` where it has no answer to go on from */
export async function conversation(
  path: string,
  {
    options,
    detail,
    system,
    more,
  }: Pick<RecordQuestion, 'options' | 'detail'> & {
    /** In place of the transcript's own. */
    system: string | undefined;
    more: readonly Message<Source>[];
  },
): Promise<RecordQuestion> {
  const { question: asked, notes } = await readTranscript(path, { options, detail });
  const isSystem = ({ role }: Message<Source>): boolean => role === 'system';
  const isOwn = (message: Message<Source>): boolean => !isSystem(message) || system === undefined;
  const first: Message<Source>[] =
    system === undefined ? [] : [{ role: 'system', content: [{ kind: 'text', text: system }] }];
  const question = { ...asked, messages: [...first, ...asked.messages.filter(isOwn)] };
  if (more.length === 0) return question;
  if (!notes) {
    throw new PixtralError('usage', `${path}: its last question has no answer, expected no other question`, {
      hint: 'without words, --messages asks it',
    });
  }
  return { ...question, messages: [...question.messages, answerOf(notes), ...more.filter((one) => !isSystem(one))] };
}

/** The conversation goes on from a transcript; what it was before is gone. */
export async function openTranscript(chat: Chat, path: string, signal: AbortSignal | undefined): Promise<void> {
  const { stop, detail } = chat.flags;
  const read = await readTranscript(path, { options: { ...freeText(chat.flags), stop }, detail });
  const { question, notes, schema } = read;
  refuseTools(question, path);
  chat.session = await sessionOf(chat, { messages: question.messages, notes, schema, signal });
  chat.lastSeed = question.options.seed;
  const { turns, pending } = chat.session;
  if (notes) warnOfChanges(chat, notes);
  const waiting = pending.length === 0 ? '' : ', the last question has no answer: /retry asks it';
  chat.note(`${printableLine(path)}: ${turns.length} ${turns.length === 1 ? 'turn' : 'turns'}${waiting}\n`);
}

/** A chat has nobody who could answer a call, and its questions would leave the definitions out. */
function refuseTools({ messages, options }: RecordQuestion, path: string): void {
  const holdsCalls = messages.some(({ role, toolCalls }) => role === 'tool' || toolCalls !== undefined);
  if (!holdsCalls && !options.tools) return;
  const found = holdsCalls ? 'holds calls of tools' : 'defines tools';
  throw new PixtralError('input', `${path}: ${found}, expected a conversation with a person`, {
    hint: `ask its last question: pixtral batch --records ${path}`,
  });
}

async function sessionOf(
  chat: Chat,
  {
    messages,
    notes,
    schema,
    signal,
  }: {
    messages: readonly Message<Source>[];
    notes: ChatNotes | undefined;
    schema: Schema | undefined;
    signal: AbortSignal | undefined;
  },
): Promise<Session> {
  const system = messages.filter(({ role }) => role === 'system').map(textOf);
  const turns: Turn[] = [];
  let number = 1;
  let question: Part[] = [];
  for (const message of notes ? [...messages, answerOf(notes)] : messages) {
    if (message.role === 'user') {
      for (const chunk of message.content) {
        if (chunk.kind === 'text') question.push(chunk);
        else if (chunk.kind === 'image')
          question.push({ kind: 'picture', picture: { ...(await load(chat, chunk.image, signal)), number: number++ } });
      }
    } else if (message.role === 'assistant') {
      const interrupted: boolean = notes?.interrupted.includes(turns.length + 1) === true;
      turns.push({ question, answer: { text: textOf(message), interrupted } });
      question = [];
    }
  }
  const session: Session = {
    ...emptySession,
    schema,
    turns,
    nextNumber: number,
    ...(system.length > 0 && { system: system.join('\n\n') }),
  };
  return question.length === 0 ? session : changed(session, { kind: 'unanswered', question });
}

function answerOf({ answer }: ChatNotes): Message<Source> {
  return { role: 'assistant', content: [{ kind: 'text', text: answer }] };
}

function textOf({ content }: Message<Source>): string {
  return content.map((chunk) => (chunk.kind === 'text' ? chunk.text : '')).join('\n\n');
}

function warnOfChanges(chat: Chat, notes: ChatNotes): void {
  const pictures = chat.session.turns.flatMap(({ question }) => picturesOf(question));
  for (const [index, picture] of pictures.entries()) {
    const before = notes.sha256[index];
    if (before === undefined || before === '' || before === sha256Of(seenOf(picture))) continue;
    const name = printableLine(picture.source.name);
    chat.note(`warning: ${name}: is another picture than when it was asked about\n`);
  }
}

function notesOf({ chat }: Record<string, unknown>): ChatNotes | undefined {
  if (typeof chat !== 'object' || chat === null) return undefined;
  const { version, answer, interrupted, sha256 } = chat as Record<string, unknown>;
  if (version !== 1 || typeof answer !== 'string' || answer === '') return undefined;
  return {
    version,
    answer,
    interrupted: Array.isArray(interrupted) ? interrupted.filter((turn) => typeof turn === 'number') : [],
    sha256: Array.isArray(sha256) ? sha256.map((sum) => (typeof sum === 'string' ? sum : '')) : [],
  };
}

/** As `openAiQuestion` has found it to be right. */
function schemaOf({ body }: Record<string, unknown>, path: string): Schema | undefined {
  const { response_format: format } = body as { response_format?: { json_schema?: { schema?: object | string } } };
  const schema = format?.json_schema?.schema;
  if (schema === undefined) return undefined;
  return { named: path, text: JSON.stringify(typeof schema === 'string' ? shortSchemaField(schema, path) : schema) };
}

async function samePlace(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => realpath(path).catch(() => undefined)));
  return first !== undefined && first === second;
}
