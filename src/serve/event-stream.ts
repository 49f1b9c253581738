import { streamSSE } from 'hono/streaming';
import type { Request } from './context.ts';

/** A client that takes nothing for so long holds a place that others wait for. */
const stallMilliseconds = 60_000;

interface ServerEvent {
  event?: string;
  data: string;
}

/** Server-sent events, written as fast as the client reads. Whoever leaves, or reads nothing for a minute, is cut off. */
export function eventStream(
  c: Request,
  gone: AbortController,
  write: (send: (event: ServerEvent) => Promise<void>) => Promise<void>,
): Response {
  return streamSSE(c, async (stream) => {
    stream.onAbort(() => gone.abort(new Error('the client went away')));
    const cut = (): void => {
      gone.abort(new Error('the client does not read'));
      c.env.outgoing.destroy();
    };
    await write(async (event) => {
      gone.signal.throwIfAborted();
      const timer = setTimeout(cut, stallMilliseconds);
      try {
        await stream.writeSSE(event);
      } finally {
        clearTimeout(timer);
      }
    }).catch((thrown: unknown) => {
      if (!gone.signal.aborted) throw thrown;
    });
  });
}
