import { PixtralError } from '../base/errors.ts';
import type { Agent } from '../hub/agent.ts';
import type { WholeReply } from './connection.ts';
import { ServerFault } from './fault.ts';

interface Terms {
  /** The server's. */
  name: string;
  /** One that keeps sending, and comes to no end. */
  stallMilliseconds: number;
}

/**
 * Asks, and collects the reply. Undici's own streams take as long as all the rest of a short answer.
 * @throws what undici does, the reason of the signal, and as the reply's text
 */
export function collectReply(
  agent: Agent,
  options: Parameters<Agent['dispatch']>[0],
  { signal, ...terms }: Terms & { signal: AbortSignal },
): Promise<WholeReply> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    let end: ((reason: Error) => void) | undefined;
    const fail = (reason: unknown): void => {
      signal.removeEventListener('abort', onAbort);
      reject(reason);
    };
    const giveUp = (reason: unknown): void => {
      fail(reason);
      end?.(reason as Error);
    };
    function onAbort(): void {
      giveUp(signal.reason);
    }
    signal.addEventListener('abort', onAbort, { once: true });
    let whole = replyText(terms);
    let head: Pick<WholeReply, 'status' | 'headers'> = { status: 0, headers: {} };
    agent.dispatch(options, {
      onRequestStart(controller) {
        end = (reason) => controller.abort(reason);
        if (signal.aborted) end(signal.reason as Error); // it waited for a connection
      },
      onResponseStart(_, status, headers) {
        head = { status, headers };
        whole = replyText(terms);
      },
      onResponseData(_, part) {
        try {
          whole.take(part);
        } catch (thrown) {
          giveUp(thrown);
        }
      },
      onResponseEnd() {
        signal.removeEventListener('abort', onAbort);
        resolve({ ...head, text: whole.text() });
      },
      onResponseError: (_, error) => fail(error),
    });
  });
}

/** More is no answer of a language model. */
const maxReplyBytes = 64 * 2 ** 20;

interface ReplyText {
  /** @throws ServerFault when it drips, PixtralError `machine` when it has no end */
  take(part: Uint8Array): void;
  text(): string;
}

export function replyText({ name, stallMilliseconds }: Terms): ReplyText {
  const start = performance.now();
  const parts: Uint8Array[] = [];
  let length = 0;
  return {
    take(part) {
      length += part.byteLength;
      if (performance.now() - start > stallMilliseconds) {
        throw new ServerFault('failed', `${name}: its answer has no end after ${stallMilliseconds / 1000} s`);
      }
      if (length > maxReplyBytes) {
        throw new PixtralError('machine', `${name}: answers with over ${maxReplyBytes / 2 ** 20} MiB`);
      }
      parts.push(part);
    },
    text: () => Buffer.concat(parts).toString(),
  };
}
