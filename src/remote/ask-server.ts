import { type StageClock, stageClock } from '../asking/clock.ts';
import type { AskOptions, EngineEvent, Question } from '../asking/events.ts';
import { type StopWatch, stopWatch } from '../asking/stop.ts';
import { imagesOf } from '../prompt/message.ts';
import { answerOf } from './answer-of.ts';
import { chatRequest, endsHere } from './chat-request.ts';
import { type Connection, type ServerReply, replyParts, wholeReply } from './connection.ts';
import { ServerFault } from './fault.ts';
import type { FoundServer } from './find-server.ts';
import { parseReply } from './json.ts';
import { type Reply, type ReplyWriter, replyWriter } from './read-reply.ts';
import { readStream } from './read-stream.ts';
import type { LaidOut } from './request-ahead.ts';
import { refuseStatus } from './reply-error.ts';

export interface AskServerOptions {
  connection: Connection;
  server: FoundServer;
  /** As the text comes, for whoever watches; an answer in one piece is less work for both. */
  stream: boolean;
  /** How many times it was asked before, this one included. */
  attempts: number;
  signal: AbortSignal;
  /** Laid out before, where it was. */
  request?: LaidOut | undefined;
  /** All of an answer in one piece has come, and the server has room for the next question. */
  onReplied?: (() => void) | undefined;
}

const route = 'v1/chat/completions';

/**
 * Asks a server once. Yields stages, text as it comes, and the whole answer.
 * @throws ServerFault for what may go better, PixtralError for what does not, the reason of the signal
 */
export async function* askServer(question: Question, options: AskServerOptions): AsyncGenerator<EngineEvent, void> {
  const { server, attempts, signal } = options;
  const stream = options.stream || endsHere(question.options, server.kind);
  const clock = stageClock();
  for (const { content } of question.messages) {
    for (const { milliseconds } of imagesOf(content)) clock.add('image_ms', milliseconds);
  }
  const { body, sent } = options.request?.forServer(server) ?? chatRequest(question, { server, stream });
  yield { kind: 'stage', stage: 'prefill' };
  const { name } = server.address;
  const writer = replyWriter(name);
  const watch = stopWatch(question.options.stop);
  const reading = { writer, watch, name, signal, clock };
  let read: Read;
  if (stream) {
    const asked = await clock.time('prefill_ms', () => streamedReply(body, options));
    yield { kind: 'stage', stage: 'decode' };
    read = yield* streamed(asked, reading, question.options);
  } else {
    const text = await clock.time('prefill_ms', () => wholeText(body, options));
    if (options.onReplied) {
      options.onReplied();
      await endOfTurn();
    }
    read = inOnePiece(text, reading);
  }
  const answer = answerOf(question, { server, ...read, sent, attempts, clock });
  if (question.options.format && answer.text !== '') yield { kind: 'text', text: answer.text };
  yield { kind: 'answer', answer };
}

/** What a server answers in one piece, as it sent it. @throws as askServer does */
export async function completionOf(
  question: Pick<Question, 'messages' | 'options'>,
  asking: Pick<AskServerOptions, 'connection' | 'server' | 'signal'> & { begun: string },
): Promise<unknown> {
  const { server, begun } = asking;
  const { body } = chatRequest(question, { server, stream: false, begun });
  return completion(await wholeText(body, asking), server.address.name);
}

type Asking = Pick<AskServerOptions, 'connection' | 'server' | 'signal'>;

async function wholeText(body: Uint8Array, { connection, server, signal }: Asking): Promise<string> {
  const reply = await connection.post(route, body, signal);
  if (reply.status === 200) return reply.text;
  return refuseStatus(reply, { name: server.address.name, model: server.model });
}

async function streamedReply(body: Uint8Array, { connection, server, signal }: Asking): Promise<ServerReply> {
  const reply = await connection.stream(route, body, signal);
  if (reply.status === 200) return reply;
  const { name } = server.address;
  return refuseStatus({ ...reply, text: await wholeReply(reply, { name, signal }) }, { name, model: server.model });
}

/** Whatever is to be sent is written at the end of a turn of the event loop: what an answer says can wait for that. */
const endOfTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

interface Reading {
  writer: ReplyWriter;
  /** Servers that pass over `stop` are cut here. */
  watch: StopWatch;
  name: string;
  signal: AbortSignal;
  clock: StageClock;
}

interface Read {
  reply: Reply;
  /** The --stop behind its text that we have found ourselves. */
  ownStop: string | undefined;
}

function inOnePiece(text: string, { writer, watch, name }: Reading): Read {
  writer.take(completion(text, name));
  const reply = writer.whole(false);
  const { text: before, stop } = watch.push(reply.text);
  return { reply: stop === undefined ? reply : { ...reply, text: before }, ownStop: stop };
}

/** @throws ServerFault for what is no JSON */
export function completion(text: string, name: string): unknown {
  try {
    return parseReply(text);
  } catch (cause) {
    throw new ServerFault('failed', `${name}: its answer is no JSON: ${JSON.stringify(text.slice(0, 60))}`, { cause });
  }
}

/** Whether an answer of a form is what was asked for is known at its end. */
async function* streamed(
  asked: ServerReply,
  { writer, watch, name, signal, clock }: Reading,
  { format, reasoning }: Pick<AskOptions, 'format' | 'reasoning'>,
): AsyncGenerator<EngineEvent, Read> {
  const isForm = format !== undefined;
  const start = performance.now();
  let written = '';
  let ownStop: string | undefined;
  for await (const part of readStream(replyParts(asked.body, { name, signal }), { ...asked, name })) {
    const { text, thought } = writer.take(part);
    if (thought !== '' && reasoning === 'show') yield { kind: 'thought', text: thought };
    const pushed = watch.push(text);
    if (ownStop !== undefined) continue;
    written += pushed.text;
    if (pushed.text !== '' && !isForm) yield { kind: 'text', text: pushed.text };
    ownStop = pushed.stop;
    if (ownStop !== undefined && !writer.isFinished()) break; // nobody wants the rest
  }
  const rest = ownStop === undefined ? watch.end() : '';
  if (rest !== '' && !isForm) yield { kind: 'text', text: rest };
  clock.add('decode_ms', performance.now() - start);
  return { reply: { ...writer.whole(ownStop !== undefined), text: written + rest }, ownStop };
}
