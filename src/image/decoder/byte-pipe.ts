import { once } from 'node:events';
import type { Readable } from 'node:stream';

/**
 * Bytes that come beside a process's messages, which say how many: a channel for messages would copy them four times.
 * Nothing is read before it is asked for, so that a sender cannot fill the memory.
 */
export async function takeBytes(
  stream: Readable,
  byteLength: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(byteLength);
  for (let filled = 0; filled < byteLength;) {
    const length = Math.min(stream.readableLength, byteLength - filled);
    const part = length > 0 ? (stream.read(length) as Uint8Array | null) : null;
    if (part) {
      bytes.set(part, filled);
      filled += part.byteLength;
    } else {
      stream.read(0);
      await once(stream, 'readable', { signal });
    }
  }
  return bytes;
}
