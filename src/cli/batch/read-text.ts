import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';
import { readWhole } from '../../base/read-whole.ts';
import { decodeText } from '../../base/text.ts';
import { maxListBytes } from '../../image/sources/expand.ts';

/** All bytes of a list, from a file or from standard input, and what to call it. @throws PixtralError `input` when it cannot be read */
export async function readListed(
  from: string | (() => Promise<Uint8Array>),
  what: string,
): Promise<{ bytes: Uint8Array; where: string }> {
  const where = typeof from === 'string' ? from : 'standard input';
  const reading = typeof from === 'string' ? readWhole(from, { maxBytes: maxListBytes, what, pipes: true }) : from();
  const bytes = await reading.catch((cause: unknown) => {
    throw unreadableText(where, { what, cause });
  });
  return { bytes, where };
}

/** The same as text. @throws PixtralError `input` also for an encoding that is not read */
export async function readText(from: string | (() => Promise<Uint8Array>), what: string): Promise<string> {
  const { bytes, where } = await readListed(from, what);
  return decodeText(bytes, where);
}

export function unreadableText(where: string, { what, cause }: { what: string; cause: unknown }): PixtralError {
  if (cause instanceof PixtralError) return cause;
  const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
  return new PixtralError('input', `${where}: ${reason}, expected ${what}`, { cause });
}
