import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { connect } from 'node:net';
import { chmod, rm } from 'node:fs/promises';
import type { Question } from '../asking/events.ts';
import { loadMessages } from '../asking/pictures/message-pictures.ts';
import { pictureReceipt } from '../asking/pictures/receipt.ts';
import { ServerStopping, TooBusy } from '../asking/ask-queue.ts';
import { PixtralError, reasonOf } from '../base/errors.ts';
import type { Picture } from '../image/decoder/load.ts';
import type { Source } from '../image/sources/sources.ts';
import { type Message, imagesOf } from '../prompt/message.ts';
import { announce, privateFolder, socketPath, unannounce } from '../store/announcements.ts';
import { errorJson } from '../wires/error-json.ts';
import { type LocalEvent, type LocalQuestion, type SentImage, decodeLocalQuestion } from '../wires/local-question.ts';
import type { ServeContext } from './context.ts';
import type { Lobby } from './lobby.ts';

export interface LocalOptions {
  /** Private to the user. */
  folder: string;
  /** Of the model and how it is computed. */
  key: string;
  version: string;
}

interface LocalServing extends LocalOptions {
  context: ServeContext;
  lobby: Lobby;
  onFailure: (thrown: unknown) => void;
}

/** Pictures as files; a batch of pages is one file. */
const mostBytes = 400 * 2 ** 20;

/**
 * Answers this user's other commands, through a socket that nobody else can reach, as a model of their own would. Returns
 * what closes it; undefined where another server does so already.
 * @throws PixtralError `machine` when no such socket can be had
 */
export async function serveLocally(serving: LocalServing): Promise<(() => Promise<void>) | undefined> {
  const { folder, key, version, context } = serving;
  await privateFolder(folder);
  const at = socketPath(folder, key);
  if (await isAnswered(at)) return undefined;
  if (process.platform !== 'win32') await rm(at, { force: true }); // of a server that was killed
  const server = createServer((request, response) => void answer(request, response, serving));
  await listen(server, at);
  if (process.platform !== 'win32') await chmod(at, 0o600);
  const { files, mostAtOnce: atOnce } = context.engine;
  await announce(folder, key, { version, model: files.name, pid: process.pid, atOnce, at });
  return async () => {
    await unannounce(folder, key);
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
  };
}

async function isAnswered(at: string): Promise<boolean> {
  const socket = connect(at);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function listen(server: Server, at: string): Promise<void> {
  try {
    await once(server.listen(at), 'listening');
  } catch (cause) {
    throw new PixtralError('machine', `${at}: ${reasonOf(cause)}, expected to listen there`, { cause });
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { context, lobby, onFailure }: LocalServing,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new Error('the client went away')));
  const send = async (event: LocalEvent): Promise<void> => {
    const isTaken = response.write(`${JSON.stringify(event)}\n`);
    if (!isTaken && !gone.signal.aborted) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  };
  try {
    const byteLength = Number(request.headers['content-length']);
    if (request.method !== 'POST' || request.url !== '/ask' || !(byteLength <= mostBytes)) {
      response.writeHead(400).end();
      return;
    }
    response.once('close', lobby.enter(byteLength));
    const question = decodeLocalQuestion(await bodyOf(request));
    const loaded = await prepared(question, { context, signal: gone.signal });
    const images = loaded.messages.flatMap(({ content }) => imagesOf(content));
    const { alone, once, priority } = question;
    const events = context.queue.ask({ ...loaded, alone, once, cancel: gone.signal }, priority); // before a status is sent
    await send({ kind: 'pictures', receipts: images.map((image) => pictureReceipt(image)) });
    for await (const event of events) {
      if (event.kind !== 'failed') await send(event);
    }
  } catch (thrown) {
    if (gone.signal.aborted) return;
    if (thrown instanceof ServerStopping) response.destroy();
    else if (thrown instanceof TooBusy) response.writeHead(429);
    else await send({ kind: 'failed', error: errorJson(thrown) });
    if (!(thrown instanceof PixtralError || thrown instanceof TooBusy)) onFailure(thrown);
  } finally {
    response.end();
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of request as AsyncIterable<Uint8Array>) parts.push(part);
  return Buffer.concat(parts);
}

/** Files are read here, as the client would read them. */
async function prepared(
  { messages, options, decisions, pictures }: LocalQuestion,
  { context, signal }: { context: ServeContext; signal: AbortSignal },
): Promise<Question> {
  const { image, maxImageTokens, takes: keep } = context.engine;
  const files = messages.map((message) => withImages(message, sourceOf));
  const loaded = !pictures
    ? messages.map((message) => withImages(message, pictureOf))
    : await loadMessages(files as Message<Source>[], {
        ...context.pictures,
        ...pictures,
        image,
        maxImageTokens,
        signal,
        keep,
      });
  return { messages: loaded as Message<Picture>[], options, decisions };
}

function withImages<T>({ content, ...message }: Message<SentImage>, imageOf: (image: SentImage) => T): Message<T> {
  return {
    ...message,
    content: content.map((chunk) => (chunk.kind !== 'image' ? chunk : { kind: 'image', image: imageOf(chunk.image) })),
  };
}

function sourceOf(image: SentImage): Source | undefined {
  if (image.kind !== 'file') return undefined;
  const { name, bytes, selection } = image;
  return { kind: 'read', at: name, name, bytes, selection };
}

function pictureOf(image: SentImage): Picture | undefined {
  return image.kind === 'prepared' ? image.picture : undefined;
}
