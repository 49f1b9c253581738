import { PixtralError } from '../base/errors.ts';

/** An error in JSON: `failed` is a bug. */
export function errorJson(thrown: unknown): { code: string; message: string; hint?: string } {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!(thrown instanceof PixtralError)) return { code: 'failed', message };
  return { code: thrown.code, message, ...(thrown.hint !== undefined && { hint: thrown.hint }) };
}
