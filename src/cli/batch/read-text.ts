import { readFile } from 'node:fs/promises';
import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';

/** All of a file or of standard input. @throws PixtralError `input` when it cannot be read or is no UTF-8 */
export async function readText(from: string | (() => Promise<Uint8Array>), what: string): Promise<string> {
  const where = typeof from === 'string' ? from : 'standard input';
  const bytes = await (typeof from === 'string' ? readFile(from) : from()).catch((cause: unknown) => {
    throw unreadableText(where, { what, cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PixtralError('input', `${where}: is no UTF-8 text, expected ${what}`, { cause });
  }
}

export function unreadableText(where: string, { what, cause }: { what: string; cause: unknown }): PixtralError {
  const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
  return new PixtralError('input', `${where}: ${reason}, expected ${what}`, { cause });
}
