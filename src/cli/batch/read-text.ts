import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';
import { readWhole } from '../../base/read-whole.ts';
import { maxListBytes } from '../../image/sources/expand.ts';

/** All of a list, from a file or from standard input. @throws PixtralError `input` when it cannot be read or is no UTF-8 */
export async function readText(from: string | (() => Promise<Uint8Array>), what: string): Promise<string> {
  const where = typeof from === 'string' ? from : 'standard input';
  const reading = typeof from === 'string' ? readWhole(from, { maxBytes: maxListBytes, what, pipes: true }) : from();
  const bytes = await reading.catch((cause: unknown) => {
    throw unreadableText(where, { what, cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PixtralError('input', `${where}: is no UTF-8 text, expected ${what}`, { cause });
  }
}

export function unreadableText(where: string, { what, cause }: { what: string; cause: unknown }): PixtralError {
  if (cause instanceof PixtralError) return cause;
  const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
  return new PixtralError('input', `${where}: ${reason}, expected ${what}`, { cause });
}
