import { TooBusy } from '../asking/ask-queue.ts';
import { PixtralError, type ErrorCode } from '../base/errors.ts';

export interface ErrorResponse {
  status: 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503;
  type: string;
  code: string | null;
  message: string;
}

const statuses: Readonly<Record<ErrorCode, 400 | 500 | 503>> = {
  usage: 400,
  input: 400,
  model: 500,
  machine: 503,
};

/** What is not there, or cannot be done now: the client's own words. */
export class RequestError extends Error {
  readonly status: ErrorResponse['status'];
  constructor(status: ErrorResponse['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/** What a client is told, and with which status. A bug tells nothing of the inside. */
export function errorResponse(thrown: unknown): ErrorResponse {
  if (thrown instanceof TooBusy) {
    return { status: 429, type: 'rate_limit_error', code: 'too_many_requests', message: thrown.message };
  }
  if (thrown instanceof RequestError) return clientError(thrown.status, thrown.message);
  if (!(thrown instanceof PixtralError)) {
    return { status: 500, type: 'server_error', code: null, message: 'the server failed, its log says why' };
  }
  const status = statuses[thrown.code];
  const message = thrown.hint === undefined ? thrown.message : `${thrown.message} (${thrown.hint})`;
  return { status, type: status === 400 ? 'invalid_request_error' : 'server_error', code: thrown.code, message };
}

export function clientError(
  status: ErrorResponse['status'],
  message: string,
  code: string | null = null,
): ErrorResponse {
  return { status, type: 'invalid_request_error', code, message };
}

/** As OpenAI's API writes errors; as Anthropic's does on its own paths. */
export function errorBody({ status, type, code, message }: ErrorResponse, path: string) {
  if (isAnthropic(path)) return { type: 'error', error: { type: anthropicTypes[status], message } };
  return { error: { message, type, param: null, code } };
}

function isAnthropic(path: string): boolean {
  return path === '/v1/messages' || path.startsWith('/v1/messages/');
}

const anthropicTypes: Readonly<Record<ErrorResponse['status'], string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'invalid_request_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'overloaded_error',
};
