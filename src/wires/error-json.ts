import { PixtralError } from '../base/errors.ts';
import { withoutPasswords } from '../base/without-passwords.ts';

/** An error in JSON: `failed` is a bug. */
export interface ErrorJson {
  code: string;
  message: string;
  hint?: string;
}

export function errorJson(thrown: unknown): ErrorJson {
  const message = withoutPasswords(thrown instanceof Error ? thrown.message : String(thrown));
  if (!(thrown instanceof PixtralError)) return { code: 'failed', message };
  return { code: thrown.code, message, ...(thrown.hint !== undefined && { hint: thrown.hint }) };
}

/** The error that `errorJson` was made of. */
export function errorOf({ code, message, hint }: ErrorJson): Error {
  const known = (['usage', 'input', 'model', 'machine'] as const).find((one) => one === code);
  return known ? new PixtralError(known, message, { hint }) : new Error(message);
}
