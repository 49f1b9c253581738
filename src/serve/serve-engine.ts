import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { AskQueue, ServerStopping } from '../asking/ask-queue.ts';
import type { Engine } from '../engine/engine.ts';
import { PreparedPictures, preparedBytes } from '../image/decoder/prepared-pictures.ts';
import { queuedAnswerer } from '../asking/queued-answerer.ts';
import { serveApp } from './app.ts';
import { Batches } from './batches/batches.ts';
import { type ServeContext, requestContext } from './context.ts';
import type { GuardOptions } from './guard.ts';
import { type LocalOptions, serveLocally } from './local-server.ts';
import { Lobby } from './lobby.ts';
import { serveMetrics } from './metrics.ts';

export interface ServeOptions extends GuardOptions, Pick<ServeContext, 'defaults' | 'pictures'> {
  /** Where files and batches are kept. */
  data: string;
  /** Hash of what all records of a batch share. */
  job: string;
  /** Where this user's other commands find it. */
  local: LocalOptions | undefined;
  port: number;
  /** Requests that may wait; more are told to come back. */
  mostWaiting: number;
  /** A line for the log. */
  note: (line: string) => void;
  /** Nothing is begun after it fires, what is in work is finished. */
  stop: AbortSignal;
  /** Ends what is in work too. */
  signal: AbortSignal;
}

/** Longer than clients keep theirs: who closes first must not be who is asked next. */
const keepAliveMilliseconds = 75_000;

/** Pictures come inside bodies. */
const bodyBytes = 64 * 2 ** 20;
/** Of all requests in the house: their texts and decoded pictures take several times as much. */
const allBodyBytes = 512 * 2 ** 20;

/** Answers over HTTP until a signal ends it. @throws PixtralError `machine` for an address that cannot be had */
export async function serveEngine(engine: Engine, options: ServeOptions): Promise<void> {
  const { host, note, stop, signal, defaults } = options;
  const pictures = { ...options.pictures, prepared: new PreparedPictures({ maxBytes: preparedBytes }) };
  const queue = new AskQueue({ most: options.mostWaiting });
  const onFailure = (thrown: unknown): void =>
    note(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  const batches = await Batches.open({
    folder: options.data,
    answerer: queuedAnswerer(engine, queue),
    request: requestContext(options),
    job: options.job,
    pictures,
    stop,
    signal,
    onFailure,
  });
  if (!batches) note(`${options.data}: another server works in it, so there are no files and batches here: see --data`);
  const started = Math.floor(Date.now() / 1000);
  const context = { engine, queue, defaults, pictures, metrics: serveMetrics(), started, batches };
  const lobby = new Lobby({ requests: options.mostWaiting + engine.mostAtOnce, bytes: allBodyBytes });
  const app = serveApp({ ...options, context, lobby, mostBytes: bodyBytes, onFailure });
  const server = await listen(app.fetch, options);
  const closeLocal = options.local && (await startLocally({ ...options.local, context, lobby, onFailure }, note));
  const { port } = server.address() as AddressInfo;
  note(`${engine.files.name}: listening on http://${host.includes(':') ? `[${host}]` : host}:${port}`);
  const stopping = new ServerStopping();
  const onStop = (): void => {
    server.close();
    queue.close(stopping);
  };
  stop.addEventListener('abort', onStop, { once: true });
  try {
    await queue.deliver(engine.answer(queue.questions(), { stop, signal }));
  } finally {
    queue.close(stopping);
    await batches?.close();
    await closeLocal?.();
    await closed(server);
  }
  stop.throwIfAborted();
}

/** A server that only HTTP reaches is of use too. */
async function startLocally(
  serving: Parameters<typeof serveLocally>[0],
  note: ServeOptions['note'],
): Promise<(() => Promise<void>) | undefined> {
  try {
    return await serveLocally(serving);
  } catch (thrown) {
    note(`other commands will not find this server: ${reasonOf(thrown)}`);
    return undefined;
  }
}

async function listen(
  fetch: Parameters<typeof serve>[0]['fetch'],
  { host, port }: Pick<ServeOptions, 'host' | 'port'>,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, () => resolve(server as Server));
    (server as Server).keepAliveTimeout = keepAliveMilliseconds;
    server.once('error', (cause) => {
      reject(
        new PixtralError('machine', `${host}:${port}: ${reasonOf(cause)}`, { hint: 'choose another --port', cause }),
      );
    });
  });
}

/** Answers that are complete go out; connections that only wait are cut. */
async function closed(server: Server): Promise<void> {
  server.closeIdleConnections();
  await new Promise<void>((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), 2000);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
