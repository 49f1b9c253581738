import type { Dispatcher } from 'undici';
import { deferred } from '../base/deferred.ts';
import type { Agent } from './agent.ts';

export interface Reply {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: ReplyBody;
}

/** Comes once: it is received, passed over or given up. */
export interface ReplyBody {
  /**
   * Hands over one part after the other; the next one when what `onPart` has returned is resolved. The memory of a part
   * is used again once the call has returned.
   */
  receive(onPart: (part: Uint8Array) => Promise<void> | undefined): Promise<void>;
  /** A short one, so that its connection can be used again; a long one is given up. */
  passOver(): Promise<void>;
  /** Its connection is closed, unless everything has come. */
  giveUp(): void;
}

interface Request {
  method: 'GET' | 'HEAD';
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/**
 * Sends a request, and has its answer as far as the headers. By events: a stream for each answer and a promise for each
 * of its parts cost more than what is done with them.
 */
export function exchange(agent: Agent, url: URL, { method, headers, signal }: Request): Promise<Reply> {
  const begun = deferred<Reply>();
  const ended = deferred<void>();
  let controller: Dispatcher.DispatchController | undefined;
  let onPart: Parameters<ReplyBody['receive']>[0] = () => undefined;

  function fail(cause: unknown): void {
    signal.removeEventListener('abort', onAbort);
    begun.reject(cause);
    ended.reject(cause);
  }
  function onAbort(): void {
    fail(signal.reason);
    controller?.abort(signal.reason as Error);
  }
  const body: ReplyBody = {
    receive(take) {
      onPart = take;
      controller?.resume();
      return ended.promise;
    },
    async passOver() {
      let left = shortBytes;
      const count = ({ byteLength }: Uint8Array): undefined => {
        left -= byteLength;
        if (left < 0) throw new Error('longer than it is worth');
      };
      await body.receive(count).catch(() => undefined);
    },
    giveUp() {
      controller?.abort(new Error('given up')); // of no effect once everything has come
    },
  };

  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  else
    agent.dispatch(
      { origin: url.origin, path: `${url.pathname}${url.search}`, method, headers },
      {
        onRequestStart(own) {
          controller = own;
          if (signal.aborted) own.abort(signal.reason as Error);
        },
        onResponseStart(own, status, headers) {
          if (status < 200) return; // another one follows
          own.pause();
          begun.resolve({ status, headers: flat(headers), body });
        },
        onResponseData(own, part) {
          if (part.byteLength === 0) return; // comes of going on after a pause
          const turn = onPart(part); // what it throws ends the exchange
          if (!turn) return;
          own.pause();
          turn.then(
            () => own.resume(),
            (cause: Error) => own.abort(cause),
          );
        },
        onResponseEnd() {
          signal.removeEventListener('abort', onAbort);
          ended.resolve();
        },
        onResponseError: (_, cause) => fail(cause),
      },
    );
  return begun.promise;
}

/** Of an answer that nobody wants; more takes longer than another connection. */
const shortBytes = 128 * 1024;

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Reply['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}

/**
 * All of a body, in memory.
 * @throws what `tooLong` makes, as soon as it is longer than `most`
 */
export async function wholeBody(
  body: ReplyBody,
  { most, tooLong }: { most: number; tooLong: () => Error },
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  await body.receive((part) => {
    length += part.byteLength;
    if (length > most) throw tooLong();
    parts.push(Buffer.from(part));
    return undefined;
  });
  return Buffer.concat(parts);
}
