import { open } from 'node:fs/promises';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';

/** Far above any picture, far below what would exhaust memory. */
export const maxFileBytes = 200 * 1024 * 1024;
/** A server that has not sent a picture by then will not. */
const fetchMilliseconds = 30_000;

export interface SourceOptions {
  /** All of standard input; needed for `-`. */
  stdin?: (() => Promise<Uint8Array>) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The bytes behind a path, an http(s) URL, a `data:` URI, or `-` for standard input.
 * @throws PixtralError `input` for what is missing or too large, `machine` when the network fails
 */
export async function readSource(source: string, { stdin, signal }: SourceOptions): Promise<Uint8Array> {
  if (source === '-') return readStdin(stdin);
  if (/^data:/i.test(source)) return readDataUri(source);
  if (/^https?:\/\//i.test(source)) return readUrl(source, signal);
  return readPath(source);
}

/** How a source is named in messages and receipts: a data: URI would fill the screen. */
export function sourceName(source: string): string {
  if (source === '-') return 'stdin';
  return /^data:/i.test(source) && source.length > 48 ? `${source.slice(0, 45)}...` : source;
}

async function readStdin(stdin: SourceOptions['stdin']): Promise<Uint8Array> {
  const bytes = await stdin?.();
  if (!bytes) throw new PixtralError('input', 'stdin: is not there, expected a picture');
  return limited(bytes.byteLength, 'stdin') && bytes;
}

function readDataUri(source: string): Uint8Array {
  const name = sourceName(source);
  const comma = source.indexOf(',');
  if (comma < 0) throw new PixtralError('input', `${name}: has no comma, expected data:image/...;base64,...`);
  const body = source.slice(comma + 1);
  if (!/;base64$/i.test(source.slice(0, comma))) {
    if (/%(?![\da-f]{2})/i.test(body))
      throw new PixtralError('input', `${name}: is not percent-encoded as it should be`);
    const text = body.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(text, 'latin1');
  }
  if (!/^[\w+/\s-]*=*\s*$/.test(body)) throw new PixtralError('input', `${name}: is not base64 as it says`);
  return Buffer.from(body, 'base64');
}

async function readUrl(source: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(fetchMilliseconds);
  try {
    const response = await fetch(source, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    if (!response.ok) {
      await response.body?.cancel();
      throw new PixtralError(
        'input',
        `${source}: the server answered ${response.status} ${response.statusText}`.trimEnd(),
      );
    }
    return await readBody(response, source);
  } catch (cause) {
    if (cause instanceof PixtralError) throw cause;
    signal?.throwIfAborted();
    const reason = timeout.aborted ? `no answer within ${fetchMilliseconds / 1000} seconds` : networkReason(cause);
    throw new PixtralError('machine', `${source}: cannot be fetched: ${reason}`, {
      hint: 'check the address and the network, or download the picture and give its path',
      cause,
    });
  }
}

/** fetch hides the reason one level down. */
function networkReason(thrown: unknown): string {
  return reasonOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
}

async function readBody(response: Response, source: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    length += part.byteLength;
    limited(length, source);
  }
  return Buffer.concat(parts);
}

async function readPath(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const status = await file.stat();
      if (status.isDirectory()) throw new PixtralError('input', `${path}: is a folder, expected a picture`);
      limited(status.size, path);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof PixtralError) throw cause;
    const reason = { ENOENT: 'no such file', EACCES: 'may not be read', EISDIR: 'is a folder' }[errnoOf(cause) ?? ''];
    throw new PixtralError('input', `${path}: ${reason ?? reasonOf(cause)}, expected a picture`, { cause });
  }
}

function limited(byteLength: number, source: string): true {
  if (byteLength <= maxFileBytes) return true;
  throw new PixtralError('input', `${source}: is over ${maxFileBytes / 2 ** 20} MiB, too large for a picture`);
}
