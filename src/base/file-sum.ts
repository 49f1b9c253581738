import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { systemError } from './files.ts';

/** sha256 of a file as it is on disk now, in hex. */
export async function fileSum(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const part of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
      hash.update(part as Uint8Array);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw systemError(path, 'cannot read', cause);
  }
  return hash.digest('hex');
}
