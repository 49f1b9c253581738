import { errorOf } from '../wires/error-json.ts';
import { once } from 'node:events';
import type * as Http from 'node:http';
import { createRequire } from 'node:module';
import { PixtralError, errnoOf } from '../base/errors.ts';
import { readLines } from '../base/lines.ts';
import type { Announcement } from '../store/announcements.ts';
import { type LocalEvent, type LocalQuestion, encodeLocalQuestion } from '../wires/local-question.ts';

export type Told = Exclude<LocalEvent, { kind: 'failed' }>;

/** What a server makes of a question. */
export type LocalReply =
  | { kind: 'told'; events: AsyncGenerator<Told, void> }
  /** Later it may have a place. */
  | { kind: 'busy' }
  /** It does not take such a question. */
  | { kind: 'refused' }
  /** It cannot be reached. */
  | { kind: 'ended' };

/** A server that has ended in the middle of an answer. */
export class LocalServerEnded extends PixtralError {
  constructor() {
    super('machine', 'the server that answered has ended in the middle of the answer', {
      hint: 'ask again; --server off loads the model here',
    });
  }
}

/** By `import` all that it has is read, in Node 22 the WebSocket of undici too: 30 ms of loading for what 4 do. */
const http = (): typeof Http => createRequire(import.meta.url)('node:http');

/** Asks the server of this user. */
export async function askLocal(
  { at }: Announcement,
  { question, signal }: { question: LocalQuestion; signal: AbortSignal },
): Promise<LocalReply> {
  const body = encodeLocalQuestion(question);
  const byteLength = body.reduce((sum, part) => sum + part.byteLength, 0);
  // `servername`: else it is looked for in the host, by an expression that takes milliseconds to compile.
  const how = { socketPath: at, servername: '', method: 'POST', path: '/ask', agent: false, signal };
  const asking = http().request(how);
  asking.setHeader('content-length', byteLength);
  asking.on('error', () => {}); // thrown below
  try {
    for (const part of body) asking.write(part);
    asking.end();
    const [response] = (await once(asking, 'response', { signal })) as [Http.IncomingMessage];
    if (response.statusCode === 200) return { kind: 'told', events: told(response, signal) };
    response.destroy();
    return { kind: response.statusCode === 429 ? 'busy' : 'refused' };
  } catch {
    signal.throwIfAborted();
    asking.destroy();
    return { kind: 'ended' };
  }
}

async function* told(response: Http.IncomingMessage, signal: AbortSignal): AsyncGenerator<Told, void> {
  let isWhole = false;
  try {
    for await (const { bytes } of readLines(response)) {
      const event = JSON.parse(Buffer.from(bytes).toString()) as LocalEvent; // of this very version
      if (event.kind === 'failed') throw errorOf(event.error);
      yield event;
      isWhole = event.kind === 'answer' || event.kind === 'decided';
    }
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof PixtralError || errnoOf(thrown) === undefined) throw thrown;
  }
  if (isWhole) return;
  throw new LocalServerEnded();
}
