import { type Stats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PixtralError, errnoOf } from './errors.ts';

export interface WholeOptions {
  maxBytes: number;
  /** For messages: `a picture`. */
  what: string;
  /** Whether a pipe will do, such as `<(...)` on the command line. */
  pipes: boolean;
  signal?: AbortSignal | undefined;
}

/** A pipe that nobody has opened for writing by then was named by mistake. */
const writerMilliseconds = 5000;
const pauseMilliseconds = 10;
const pieceBytes = 2 ** 20;

/**
 * All of a regular file, or of a pipe where one will do; never a device, which may have no end. What it holds is
 * counted as it is read: a size that was asked for before may be another now.
 * @throws PixtralError `input` for anything else and for more than `maxBytes`; system errors as they are
 */
export async function readWhole(path: string, options: WholeOptions): Promise<Uint8Array> {
  checkKind(await stat(path), { path, ...options });
  // A pipe without a writer would hold the thread that opens it, and that cannot be ended.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await file.stat();
    checkKind(status, { path, ...options });
    const read = status.isFile()
      ? readFile(file, { size: status.size, ...options })
      : readPipe(file, { path, ...options });
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of read) {
      options.signal?.throwIfAborted();
      length += part.byteLength;
      if (length > options.maxBytes) throw tooLarge({ path, ...options });
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  } finally {
    await file.close();
  }
}

type Named = WholeOptions & { path: string };

function checkKind(status: Stats, named: Named): void {
  const { path, what, pipes, maxBytes } = named;
  const kind = kindOf(status);
  if (kind !== undefined && !(kind === 'a pipe' && pipes)) {
    throw new PixtralError('input', `${path}: is ${kind}, expected ${what}`);
  }
  if (status.size > maxBytes) throw tooLarge(named);
}

/** undefined for a regular file. */
function kindOf(status: Stats): string | undefined {
  if (status.isFile()) return undefined;
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a pipe';
  return status.isSocket() ? 'a socket' : 'a device';
}

function tooLarge({ path, what, maxBytes }: Named): PixtralError {
  return new PixtralError('input', `${path}: is over ${maxBytes / 2 ** 20} MiB, too large for ${what}`);
}

/** In one piece when it is as long as it said, else with more behind that. */
async function* readFile(
  file: FileHandle,
  { size, signal }: { size: number; signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array, void> {
  let piece = new Uint8Array(size + 1); // with room to see whether there is more
  let filled = 0;
  for (;;) {
    const { bytesRead } = await file.read(piece, filled, Math.min(pieceBytes, piece.byteLength - filled));
    signal?.throwIfAborted();
    filled += bytesRead;
    const isWhole = bytesRead === 0;
    if (isWhole || filled === piece.byteLength) yield piece.subarray(0, filled);
    if (isWhole) return;
    if (filled < piece.byteLength) continue;
    piece = new Uint8Array(pieceBytes);
    filled = 0;
  }
}

/** It looks ended while it has no writer yet, and says EAGAIN while one has nothing to say. */
async function* readPipe(file: FileHandle, { path, what, signal }: Named): AsyncGenerator<Uint8Array, void> {
  const start = performance.now();
  for (let hasWriter = false; ;) {
    const found = await file.read(new Uint8Array(pieceBytes)).catch((thrown: unknown) => {
      if (errnoOf(thrown) === 'EAGAIN') return undefined;
      throw thrown;
    });
    hasWriter ||= found === undefined || found.bytesRead > 0;
    if (found && found.bytesRead > 0) {
      yield found.buffer.subarray(0, found.bytesRead);
      continue;
    }
    if (found && hasWriter) return;
    if (!hasWriter && performance.now() - start > writerMilliseconds) {
      throw new PixtralError('input', `${path}: is a pipe that nobody writes to, expected ${what}`);
    }
    await sleep(pauseMilliseconds, undefined, { signal });
  }
}
