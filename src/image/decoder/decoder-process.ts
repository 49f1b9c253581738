import type { ChildProcess } from 'node:child_process';
import { on } from 'node:events';
import type { Socket } from 'node:net';
import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';
import { forkOwn, overMemory } from '../../base/own-process.ts';
import { takeBytes } from './byte-pipe.ts';
import type { DecodeRequest, DecodedPage } from './decode.ts';
import type { Question, Reply, Share } from './decoder-entry.ts';

export interface DecoderLimits {
  /** For a whole file of up to `usualPages`, from when the decoder takes it up; for more in proportion. */
  milliseconds: number;
  /** Resident memory. */
  maxBytes: number;
}

/** What a file may have unless the user asks for more. */
const usualPages = 30;
/** For a file whose decoder is ended by others each time. */
const maxAttempts = 4;
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

  /**
   * One request at a time; others wait for their turn.
   * @param onOpened is told the pages of a file of several, and says how many of the first are wanted from this process
   */
  decode(
    request: DecodeRequest,
    signal: AbortSignal | undefined,
    onOpened: OnOpened = (pages) => pages.length,
  ): Promise<DecodedPage[]> {
    const turn = this.#turn.then(() => this.#decode(request, { signal, onOpened }));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Lets the process begin before there is anything to decode. */
  start(): void {
    this.#running();
    this.#rest();
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #decode(request: DecodeRequest, terms: Terms): Promise<DecodedPage[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request, terms);
      } catch (thrown) {
        // Ended while it had nothing to do, or by someone else: that says nothing about this file.
        if (!(thrown instanceof Lost && thrown.isPerhapsOthers)) throw thrown;
        if (attempt === maxAttempts)
          throw thrown.exitCode === undefined ? thrown : neverBegun(request, thrown.exitCode);
      }
    }
  }

  async #attempt(request: DecodeRequest, terms: Terms): Promise<DecodedPage[]> {
    terms.signal?.throwIfAborted();
    clearTimeout(this.#idle);
    const child = this.#running();
    setKeepsAlive(child, true);
    try {
      return await converse(child, { request, ...terms, limits: this.#limits });
    } catch (thrown) {
      // After a refusal the decoder is as it was; after anything else nobody knows what it is.
      if (!(thrown instanceof Refusal)) this.close();
      throw thrown;
    } finally {
      this.#rest();
    }
  }

  #rest(): void {
    if (this.#child) setKeepsAlive(this.#child, false);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), idleMilliseconds).unref();
  }

  #running(): ChildProcess {
    if (this.#child) return this.#child;
    const child = forkOwn(this.#entry, String(this.#limits.maxBytes), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc', 'overlapped'],
      // Reading all fonts of the system takes ten times as long as all the rest of its start.
      env: { ...process.env, ...language(process.env), DISABLE_SYSTEM_FONTS_LOAD: '1' },
    });
    child.on('error', () => {}); // a failed send or kill: the exit that follows tells
    pipeOf(child).on('error', () => {});
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    return (this.#child = child);
  }
}

/** Drawings may hold a text in several: English where the system has no language. */
function language({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): { LC_ALL?: string } {
  const own = LC_ALL || LC_MESSAGES || LANG || 'C';
  return /^(C|POSIX)\b/.test(own) ? { LC_ALL: 'en_US.UTF-8' } : {};
}

type OnOpened = (pages: readonly number[]) => number;

interface Terms {
  signal: AbortSignal | undefined;
  onOpened: OnOpened;
}

/** What a decoder sends beside its messages. */
function pipeOf(child: ChildProcess): Socket {
  return child.stdio[4] as Socket;
}

/** Sends a request and collects the pages up to the last reply. */
async function converse(
  child: ChildProcess,
  { request, signal, onOpened, limits }: Terms & { request: DecodeRequest; limits: DecoderLimits },
): Promise<DecodedPage[]> {
  const ending = new AbortController();
  const milliseconds = limits.milliseconds * Math.max(1, request.maxPages / usualPages);
  let hasBegun = false;
  const onExit = (code: number | null, by: NodeJS.Signals | null): void => {
    const exitCode = hasBegun || code === null ? undefined : code;
    const isPerhapsOthers = !hasBegun || by === 'SIGKILL';
    ending.abort(new Lost(request, { what: endedBy(by, limits), isPerhapsOthers, exitCode }));
  };
  const onAbort = (): void => ending.abort(signal?.reason);
  const onTime = (): void => ending.abort(outOfTime(request, milliseconds));
  const onError = (cause: Error): void => {
    if (child.pid === undefined) ending.abort(notStarted(request, cause));
  };
  child.once('exit', onExit);
  child.once('error', onError);
  signal?.addEventListener('abort', onAbort);
  let timer: NodeJS.Timeout | undefined;
  try {
    const replies = on(child, 'message', { signal: ending.signal }) as AsyncIterable<[Reply]>;
    const { bytes, ...terms } = request;
    child.send({ request: terms, byteLength: bytes.byteLength } satisfies Question);
    pipeOf(child).write(bytes);
    const pages: DecodedPage[] = [];
    for await (const [reply] of replies) {
      if (reply.kind === 'done') break;
      if (reply.kind === 'page') pages.push(await wholePage(child, reply, ending.signal));
      else if (reply.kind === 'opened') child.send({ wanted: onOpened(reply.pages) } satisfies Share);
      else if (reply.kind !== 'begun') throw thrownBy(reply, request);
      hasBegun = true;
      timer ??= setTimeout(onTime, milliseconds);
    }
    return pages;
  } catch (thrown) {
    if (ending.signal.aborted) throw ending.signal.reason;
    // A message or bytes that met with its end, before that was told.
    if (isBrokenOff(thrown)) {
      throw new Lost(request, { what: endedBy(null, limits), isPerhapsOthers: true, exitCode: undefined });
    }
    throw thrown;
  } finally {
    clearTimeout(timer);
    child.off('exit', onExit);
    child.off('error', onError);
    signal?.removeEventListener('abort', onAbort);
  }
}

function isBrokenOff(thrown: unknown): boolean {
  return ['EPIPE', 'ECONNRESET', 'ERR_IPC_CHANNEL_CLOSED'].includes(errnoOf(thrown) ?? '');
}

/** With what comes by the pipe. */
async function wholePage(
  child: ChildProcess,
  { page, patchBytes, pngBytes }: Extract<Reply, { kind: 'page' }>,
  signal: AbortSignal,
): Promise<DecodedPage> {
  const patches = await takeBytes(pipeOf(child), patchBytes, signal);
  const png = await takeBytes(pipeOf(child), pngBytes, signal);
  return { ...page, patches: new Float32Array(patches.buffer), png };
}

function thrownBy(reply: Extract<Reply, { kind: 'refused' | 'failed' }>, { name }: DecodeRequest): Error {
  const cause = reply.cause === undefined ? undefined : new Error(reply.cause);
  if (reply.kind === 'failed') return new Error(`the decoder failed at ${name}`, { cause });
  const ReplyError = reply.broken ? PixtralError : Refusal;
  return new ReplyError(reply.code, reply.message, { hint: reply.hint, cause });
}

/** An error that the decoder itself has found, as opposed to its end. */
class Refusal extends PixtralError {}

/** Its decoder has ended, or had to be ended. */
class Lost extends PixtralError {
  /** Another file, another process or a person may be to blame: worth one more try. */
  readonly isPerhapsOthers: boolean;
  /** Of one that ended by itself before it took up the file. */
  readonly exitCode: number | undefined;

  constructor({ name }: DecodeRequest, { what, isPerhapsOthers, exitCode }: Loss) {
    super('input', `${name}: ${what}`, {
      hint: 'the file is damaged or made to do harm: open it in another program and save it anew',
    });
    this.isPerhapsOthers = isPerhapsOthers;
    this.exitCode = exitCode;
  }
}

interface Loss {
  what: string;
  isPerhapsOthers: boolean;
  exitCode: number | undefined;
}

function outOfTime({ name }: DecodeRequest, milliseconds: number): PixtralError {
  return new PixtralError('input', `${name}: is not decoded after ${milliseconds / 1000} seconds`, {
    hint: 'try again when the machine has less to do; what takes as long then is damaged or made to do harm',
  });
}

/** Too many processes, too little memory. */
function notStarted({ name }: DecodeRequest, cause: Error): PixtralError {
  return new PixtralError('machine', `${name}: its decoder cannot be started: ${reasonOf(cause)}`, {
    hint: 'end other programs, or raise the limit of processes (ulimit -u)',
    cause,
  });
}

/** No file is to blame: a library that it needs does not load. */
function neverBegun({ name }: DecodeRequest, exitCode: number): PixtralError {
  return new PixtralError('machine', `${name}: its decoder ends with exit code ${exitCode} before it begins`, {
    hint: 'libraries for pictures do not load: reinstall pixtral on this machine, with its optional packages; or raise the limit of addresses (ulimit -v)',
  });
}

function endedBy(by: NodeJS.Signals | null, { maxBytes }: DecoderLimits): string {
  const tooMuch = `takes more than ${maxBytes / 2 ** 30} GiB of memory to decode`;
  if (by === overMemory) return tooMuch; // its own watch; the kernel's, and people, have another way
  if (by === 'SIGKILL') return `${tooMuch}, or is ended by something else each time`;
  return `its decoder crashed${by === null ? '' : ` (${by})`}`;
}

/** A decoder that waits for nothing must not keep this process from ending. */
function setKeepsAlive(child: ChildProcess, keepsAlive: boolean): void {
  for (const handle of [child, child.channel, pipeOf(child)]) {
    if (keepsAlive) handle?.ref();
    else handle?.unref();
  }
}
