import type { ChildProcess } from 'node:child_process';
import { on } from 'node:events';
import { extname } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { forkOwn } from '../../base/own-process.ts';
import type { DecodeRequest, DecodedPage } from './decode.ts';
import type { Reply } from './decoder-entry.ts';

export interface DecoderLimits {
  /** For one page, from when the decoder takes the request up or from the page before it. */
  milliseconds: number;
  /** Resident memory. */
  maxBytes: number;
}

/** A 250-megapixel progressive JPEG takes 1 GB of pixels and up to 1.5 GB of coefficients; photos take under 0.5 s. */
const defaultLimits: DecoderLimits = { milliseconds: 30_000, maxBytes: 3 * 2 ** 30 };
/** The memory of an idle decoder is better spent on weights. */
const idleMilliseconds = 5000;

/**
 * Runs decoders in a process of their own: they are native code fed with files that anyone may have made. One that
 * crashes, hangs or takes too much memory costs its picture an error, and the next picture gets a fresh process.
 */
export class DecoderProcess {
  readonly #entry: URL;
  readonly #limits: DecoderLimits;
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ entry, limits }: { entry: URL; limits: DecoderLimits }) {
    this.#entry = entry;
    this.#limits = limits;
  }

  /** One request at a time; others wait for their turn. */
  decode(request: DecodeRequest, signal: AbortSignal | undefined): Promise<DecodedPage[]> {
    const turn = this.#turn.then(() => this.#decode(request, signal));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #decode(request: DecodeRequest, signal: AbortSignal | undefined): Promise<DecodedPage[]> {
    signal?.throwIfAborted();
    clearTimeout(this.#idle);
    const child = (this.#child ??= this.#start());
    setKeepsAlive(child, true);
    try {
      return await converse(child, { request, signal, limits: this.#limits });
    } catch (thrown) {
      // After a refusal the decoder is as it was; after anything else nobody knows what it is.
      if (!(thrown instanceof Refusal)) this.close();
      throw thrown;
    } finally {
      setKeepsAlive(child, false);
      this.#idle = setTimeout(() => this.close(), idleMilliseconds).unref();
    }
  }

  #start(): ChildProcess {
    const child = forkOwn(this.#entry, String(this.#limits.maxBytes), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('error', () => {}); // a failed send or kill: the exit that follows tells
    return child;
  }
}

let shared: DecoderProcess | undefined;

/** The one that pictures are loaded with. It is started by the first, and ends by itself or with this process. */
export function sharedDecoder(): DecoderProcess {
  return (shared ??= new DecoderProcess({
    entry: new URL(`decoder-entry${extname(import.meta.url)}`, import.meta.url),
    limits: defaultLimits,
  }));
}

/** Sends a request and collects the pages up to the last reply. */
async function converse(
  child: ChildProcess,
  { request, signal, limits }: { request: DecodeRequest; signal: AbortSignal | undefined; limits: DecoderLimits },
): Promise<DecodedPage[]> {
  const ending = new AbortController();
  const onExit = (_: number | null, by: NodeJS.Signals | null): void =>
    ending.abort(lost(request, endedBy(by, limits)));
  const onAbort = (): void => ending.abort(signal?.reason);
  const onTime = (): void => ending.abort(lost(request, `is not decoded after ${limits.milliseconds / 1000} seconds`));
  child.once('exit', onExit);
  signal?.addEventListener('abort', onAbort);
  let timer: NodeJS.Timeout | undefined;
  try {
    const replies = on(child, 'message', { signal: ending.signal }) as AsyncIterable<[Reply]>;
    child.send(request);
    const pages: DecodedPage[] = [];
    for await (const [reply] of replies) {
      clearTimeout(timer);
      if (reply.kind === 'done') break;
      if (reply.kind === 'page') pages.push(reply.page);
      else if (reply.kind !== 'begun') throw thrownBy(reply, request);
      timer = setTimeout(onTime, limits.milliseconds);
    }
    return pages;
  } catch (thrown) {
    throw ending.signal.aborted ? ending.signal.reason : thrown;
  } finally {
    clearTimeout(timer);
    child.off('exit', onExit);
    signal?.removeEventListener('abort', onAbort);
  }
}

function thrownBy(reply: Extract<Reply, { kind: 'refused' | 'failed' }>, { name }: DecodeRequest): Error {
  const cause = reply.cause === undefined ? undefined : new Error(reply.cause);
  if (reply.kind === 'failed') return new Error(`the decoder failed at ${name}`, { cause });
  const ReplyError = reply.broken ? PixtralError : Refusal;
  return new ReplyError(reply.code, reply.message, { hint: reply.hint, cause });
}

/** An error that the decoder itself has found, as opposed to its end. */
class Refusal extends PixtralError {}

function lost({ name }: DecodeRequest, what: string): PixtralError {
  return new PixtralError('input', `${name}: ${what}`, {
    hint: 'the file is damaged or made to do harm: open it in another program and save it anew',
  });
}

function endedBy(by: NodeJS.Signals | null, { maxBytes }: DecoderLimits): string {
  // Its own watch or the kernel's: decoders do not kill themselves.
  if (by === 'SIGKILL') return `takes more than ${maxBytes / 2 ** 30} GiB of memory to decode`;
  return `its decoder crashed${by === null ? '' : ` (${by})`}`;
}

/** A decoder that waits for nothing must not keep this process from ending. */
function setKeepsAlive(child: ChildProcess, keepsAlive: boolean): void {
  for (const handle of [child, child.channel]) {
    if (keepsAlive) handle?.ref();
    else handle?.unref();
  }
}
