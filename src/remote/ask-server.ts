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
import { refuseStatus } from './reply-error.ts';

export interface AskServerOptions {
  connection: Connection;
  server: FoundServer;
  /** As the text comes, for whoever watches; an answer in one piece is less work for both. */
  stream: boolean;
  /** How many times it was asked before, this one included. */
  attempts: number;
  signal: AbortSignal;
}

const route = 'v1/chat/completions';

/**
 * Asks a server once. Yields stages, text as it comes, and the whole answer.
 * @throws ServerFault for what may go better, PixtralError for what does not, the reason of the signal
 */
export async function* askServer(question: Question, options: AskServerOptions): AsyncGenerator<EngineEvent, void> {
  const { connection, server, attempts, signal } = options;
  const stream = options.stream || endsHere(question.options, server.kind);
  const clock = stageClock();
  for (const { content } of question.messages) {
    for (const { milliseconds } of imagesOf(content)) clock.add('image_ms', milliseconds);
  }
  const { body, sent } = chatRequest(question, { server, stream });
  yield { kind: 'stage', stage: 'prefill' };
  const asked = await clock.time('prefill_ms', () => post(body, { connection, server, signal }));
  const { name } = server.address;
  yield { kind: 'stage', stage: 'decode' };
  const writer = replyWriter(name);
  const watch = stopWatch(question.options.stop);
  const reading = { asked, writer, watch, name, signal, clock };
  const read = stream
    ? yield* streamed(reading, question.options)
    : await clock.time('decode_ms', () => inOnePiece(reading));
  const answer = answerOf(question, { server, ...read, sent, attempts, clock });
  if (question.options.format && answer.text !== '') yield { kind: 'text', text: answer.text };
  yield { kind: 'answer', answer };
}

/** What a server answers in one piece, as it sent it. @throws as askServer does */
export async function completionOf(
  question: Pick<Question, 'messages' | 'options'>,
  asking: Pick<AskServerOptions, 'connection' | 'server' | 'signal'> & { begun: string },
): Promise<unknown> {
  const { server, signal, begun } = asking;
  const asked = await post(chatRequest(question, { server, stream: false, begun }).body, asking);
  const { name } = server.address;
  return completion(await wholeReply(asked, { name, signal }), name);
}

async function post(
  body: Uint8Array,
  { connection, server, signal }: Pick<AskServerOptions, 'connection' | 'server' | 'signal'>,
): Promise<ServerReply> {
  const asked = await connection.post(route, body, signal);
  const { name } = server.address;
  return asked.status === 200 ? asked : refuseStatus(asked, { name, model: server.model, signal });
}

interface Reading {
  asked: ServerReply;
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

async function inOnePiece({ asked, writer, watch, name, signal }: Reading): Promise<Read> {
  const text = await wholeReply(asked, { name, signal });
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
  { asked, writer, watch, name, signal, clock }: Reading,
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
