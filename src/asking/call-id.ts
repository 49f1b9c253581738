import { createHash } from 'node:crypto';

/** For a call of a tool that has no id: nine letters and digits, which all versions take, the same for the same parts. */
export function callId(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 9);
}
