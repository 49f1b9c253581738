import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatMemo } from '../batch/format-memo.ts';
import { type BatchRuntimeFlags, endings, openBatchEngine } from '../batch/run-batch.ts';
import type { CommonQuestion } from '../batch/entry.ts';
import { pictureReading } from '../batch/picture-reading.ts';
import type { EngineFlags } from '../engine-flags.ts';
import { freeText } from '../free-text.ts';
import type { Io } from '../io.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import { serveApp } from './app.ts';
import { AskQueue } from './ask-queue.ts';
import { serveMetrics } from './metrics.ts';

export interface ServeFlags extends EngineFlags, BatchRuntimeFlags, PictureFlags {
  host: string;
  port: number;
  apiKey?: string;
  cors: string[];
  allowHost: string[];
  queue: number;
}

/** As many may be in work over time: sequences are chosen by what fits, not by how many will come. */
const manyQuestions = 256;
/** Pictures come inside bodies. */
const maxBodyBytes = 64 * 2 ** 20;

/** Serves until a signal ends it: SIGTERM finishes what is in work, Ctrl-C drops it. */
export async function runServe({ flags, io }: { flags: ServeFlags; io: Io }): Promise<void> {
  checkExposed(flags);
  const engine = await openBatchEngine({ flags, io }, manyQuestions);
  try {
    await serveEngine(engine, { flags, io });
  } finally {
    await engine.close();
  }
}

/** Whoever can reach it can use it. */
function checkExposed({ host, apiKey }: ServeFlags): void {
  const isLoopback = host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
  if (isLoopback || apiKey !== undefined) return;
  throw new PixtralError('usage', `--host ${host}: others can reach it, expected an --api-key`, {
    hint: 'PIXTRAL_API_KEY gives it without showing it in the list of processes',
  });
}

async function serveEngine(engine: Engine, { flags, io }: { flags: ServeFlags; io: Io }): Promise<void> {
  const { host, apiKey, cors, allowHost: allowHosts } = flags;
  const queue = new AskQueue({ most: flags.queue });
  const note = (line: string): void => io.stderr.write(`${line}\n`);
  const { stop, signal } = endings(io, () => note('finishing the answers in work; once more ends them at once'));
  const stdin = async (): Promise<Uint8Array> => new Uint8Array();
  const pictures = pictureSettings(flags, { io, stdin });
  const context = { engine, queue, common: commonQuestion(flags, pictures), pictures, metrics: serveMetrics() };
  const onFailure = (thrown: unknown): void =>
    note(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  const app = serveApp({ context, host, apiKey, cors, allowHosts, maxBodyBytes, onFailure });
  const server = await listen(app.fetch, flags);
  const { port } = server.address() as AddressInfo;
  note(`${engine.files.name}: listening on http://${host.includes(':') ? `[${host}]` : host}:${port}`);
  const stopping = new PixtralError('machine', 'the server is stopping');
  const onStop = (): void => {
    server.close();
    queue.close(stopping);
  };
  stop.addEventListener('abort', onStop, { once: true });
  try {
    await queue.deliver(engine.answer(queue.questions(), { stop, signal }));
  } finally {
    queue.close(stopping);
    await closed(server);
  }
  stop.throwIfAborted();
}

function commonQuestion(flags: ServeFlags, pictures: ReturnType<typeof pictureSettings>): CommonQuestion {
  return {
    prompt: undefined,
    system: undefined,
    detail: flags.detail,
    formats: formatMemo(),
    options: freeText(flags),
    ...pictureReading(pictures),
  };
}

async function listen(fetch: Parameters<typeof serve>[0]['fetch'], { host, port }: ServeFlags): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, () => resolve(server as Server));
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
