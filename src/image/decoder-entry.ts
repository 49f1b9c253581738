/** What decoder-process.ts forks: decodes what it is sent, page by page, until its parent is gone. */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, PixtralError, reasonOf } from '../base/errors.ts';
import { type DecodeRequest, type DecodedPage, decodePages } from './decode.ts';

export type Reply =
  | { kind: 'begun' }
  | { kind: 'page'; page: DecodedPage }
  | { kind: 'done' }
  | Refused
  | { kind: 'failed'; cause: string };

interface Refused {
  kind: 'refused';
  code: ErrorCode;
  message: string;
  hint: string | undefined;
  cause: string | undefined;
  /** The decoder should not be asked again. */
  broken: boolean;
}

/** In a thread of its own: while a decoder is busy or hangs, nothing else runs on the main one. */
const watch = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  const alone = process.ppid !== workerData.parent;
  if (alone || process.memoryUsage.rss() > workerData.maxBytes) process.kill(process.pid, 'SIGKILL');
}, 20);`;

const watcher = new Worker(watch, {
  eval: true,
  execArgv: [],
  workerData: { parent: Number(process.argv[2]), maxBytes: Number(process.argv[3]) },
});
watcher.on('error', end);
watcher.unref(); // only the parent's channel keeps this process alive
// Ctrl-C reaches every process of a terminal; the parent decides.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
process.on('disconnect', end);
if (!process.connected) end(); // the parent ended while this began
process.on('message', (request) => void answer(request as DecodeRequest));

function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function answer(request: DecodeRequest): Promise<void> {
  try {
    await reply({ kind: 'begun' });
    for await (const page of decodePages(request)) await reply({ kind: 'page', page });
    await reply({ kind: 'done' });
  } catch (thrown) {
    await reply(thrown instanceof PixtralError ? refusal(thrown) : { kind: 'failed', cause: stackOf(thrown) });
  }
}

/** Waits until it is sent: pages would pile up while the next ones are decoded. */
async function reply(message: Reply): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve));
}

function refusal({ code, message, hint, cause }: PixtralError): Reply {
  return {
    kind: 'refused',
    code,
    message,
    hint,
    cause: cause === undefined ? undefined : reasonOf(cause),
    broken: cause instanceof Error && cause.name === 'RuntimeError', // a trap in WebAssembly: its memory may be anything
  };
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
