import { PixtralError, type ErrorCode } from '../base/errors.ts';
import { TooBusy } from '../asking/ask-queue.ts';

/** As OpenAI's API writes errors. */
export function errorBody(message: string, type: string, code?: string) {
  return { error: { message, type, param: null, code: code ?? null } };
}

const statuses: Readonly<Record<ErrorCode, 400 | 500 | 503>> = {
  usage: 400,
  input: 400,
  model: 500,
  machine: 503,
};

/** What a client is told, and with which status. A bug tells nothing of the inside. */
export function errorResponse(thrown: unknown): { status: 400 | 429 | 500 | 503; body: ReturnType<typeof errorBody> } {
  if (thrown instanceof TooBusy)
    return { status: 429, body: errorBody(thrown.message, 'rate_limit_error', 'too_many_requests') };
  if (!(thrown instanceof PixtralError)) {
    return { status: 500, body: errorBody('the server failed, its log says why', 'server_error') };
  }
  const status = statuses[thrown.code];
  const message = thrown.hint === undefined ? thrown.message : `${thrown.message} (${thrown.hint})`;
  return { status, body: errorBody(message, status === 400 ? 'invalid_request_error' : 'server_error', thrown.code) };
}
