import type { Question } from '../asking/events.ts';
import { PixtralError } from '../base/errors.ts';
import { type ChatRequest, chatRequest, endsHere } from './chat-request.ts';
import type { FoundServer } from './find-server.ts';

type Told = Pick<FoundServer, 'kind' | 'model' | 'untold'>;

/** A question as servers are sent it, laid out once for all that are alike. */
export interface LaidOut {
  /** What is wrong with it is said when it is asked. */
  prepare(server: Told): void;
  /** @throws as chatRequest does */
  forServer(server: Told): ChatRequest;
}

export function requestAhead(question: Question): LaidOut {
  let ready: { key: string; request: ChatRequest } | undefined;
  const forServer = (server: Told): ChatRequest => {
    const key = JSON.stringify([server.kind, server.model, server.untold]);
    if (ready?.key === key) return ready.request;
    const request = chatRequest(question, { server, stream: endsHere(question.options, server.kind) });
    ready = { key, request };
    return request;
  };
  return {
    forServer,
    prepare(server) {
      try {
        forServer(server);
      } catch (thrown) {
        if (!(thrown instanceof PixtralError)) throw thrown;
      }
    },
  };
}
