import { withoutPasswords } from './without-passwords.ts';

/** What can go wrong for a user, and the exit code that says so to a script. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  input: 3,
  model: 4,
  machine: 5,
  partial: 6,
} as const;

export type ErrorCode = 'usage' | 'input' | 'model' | 'machine';

export interface ErrorDetail {
  /** What the user can do about it. */
  hint?: string | undefined;
  cause?: unknown;
}

/**
 * Something a user can act on. Message grammar: `where: what was found, what was expected`. Passwords of URLs are hidden.
 * Anything else that is thrown is a bug.
 */
export class PixtralError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(withoutPasswords(message), detail.cause === undefined ? {} : { cause: detail.cause });
    this.name = 'PixtralError';
    this.code = code;
    this.hint = detail.hint === undefined ? undefined : withoutPasswords(detail.hint);
  }
}

/** The reason inside a caught value, on one line. A JSON text is not repeated: there may be a password in it. */
export function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const token = thrown instanceof SyntaxError ? /^Unexpected token '.{1,2}'(?=, )/su.exec(text)?.[0] : undefined;
  return (token ?? text).split('\n', 1)[0] ?? '';
}

/** The errno name (`ENOENT`, `ENOSPC`, ...) of a system error, if it is one. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
