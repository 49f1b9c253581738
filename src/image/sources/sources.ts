import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';
import { readWhole } from '../../base/read-whole.ts';
import { readDataUri, unwrapBase64 } from './base64.ts';
import { readClipboard } from './clipboard.ts';
import { filePath, isFileUrl } from './file-url.ts';
import { type Selection, isSelection, parseSelection, splitSelection } from './selection.ts';
import { urlName } from './url-name.ts';

/** Where one picture file is. */
export interface Source {
  kind: 'stdin' | 'clipboard' | 'data' | 'url' | 'path' | 'read';
  /** The URI, URL or path. */
  at: string;
  /** In messages and receipts. */
  name: string;
  selection?: Selection | undefined;
  /** Of what is `read` already. */
  bytes?: Uint8Array | undefined;
}

export interface ReadOptions {
  /** All of standard input; needed for `-`. */
  stdin?: (() => Promise<Uint8Array>) | undefined;
  /** Says where the clipboard is. */
  env: Readonly<Record<string, string | undefined>>;
  /** URLs may lead to this machine and the local network. */
  allowPrivate: boolean;
  /** For a URL, from the first connection to the last byte. */
  urlSeconds: number;
  signal?: AbortSignal | undefined;
}

/** Far above any picture, far below what would exhaust memory. */
const maxFileBytes = 200 * 1024 * 1024;

export function pathSource(path: string): Source {
  return { kind: 'path', at: path, name: path };
}

/** A source that its beginning tells: `-`, `clip:`, `data:`, `file:`, http(s). @throws PixtralError `usage` for bad pages, `input` for a `file:` URL of no path */
export function schemeSource(word: string): Source | undefined {
  const { at, fragment } = splitSelection(word) ?? { at: word, fragment: '' };
  const isPassword = !urlName(word).endsWith(fragment);
  const selects = isSelection(fragment) && !isPassword && !/^data:(?!.*;base64,)/i.test(word); // SVG has its own #
  const plain = selects ? at : word;
  const source = plainSchemeSource(plain);
  return (
    source && {
      ...source,
      ...(selects && { selection: parseSelection(fragment, source.name + word.slice(at.length)) }),
    }
  );
}

function plainSchemeSource(word: string): Source | undefined {
  if (word === '-') return { kind: 'stdin', at: word, name: 'stdin' };
  if (/^clip:$/i.test(word)) return { kind: 'clipboard', at: word, name: 'clip:' };
  if (/^https?:\/\/\S+$/i.test(word)) return { kind: 'url', at: word, name: urlName(word) };
  if (isFileUrl(word)) return pathSource(filePath(word, process.platform));
  if (!/^data:[^\s,]*[,;]/i.test(word)) return undefined;
  return { kind: 'data', at: word, name: word.length > 48 ? `${word.slice(0, 45)}...` : word };
}

/**
 * The bytes of a picture file; base64 is unwrapped.
 * @throws PixtralError `input` for what is missing or too large, `machine` when the network or a tool fails
 */
export async function readSource({ kind, at, name, bytes }: Source, options: ReadOptions): Promise<Uint8Array> {
  const { env, signal } = options;
  switch (kind) {
    case 'stdin':
      return unwrapBase64(await readStdin(options), name);
    case 'clipboard':
      return readClipboard({ platform: process.platform, env, maxBytes: maxFileBytes, signal });
    case 'data':
      return checked(readDataUri(at, name), name);
    case 'url':
      return fetchUrl(at, options);
    case 'read':
      return bytes!;
    case 'path':
      return unwrapBase64(await readPath(at, signal), name);
    default:
      return kind satisfies never;
  }
}

async function fetchUrl(url: string, { allowPrivate, urlSeconds, signal }: ReadOptions): Promise<Uint8Array> {
  const { isPublicAddress } = await import('./addresses.ts');
  const { fetchPicture } = await import('./network.ts');
  return fetchPicture(url, {
    isAllowed: (address) => allowPrivate || isPublicAddress(address),
    milliseconds: urlSeconds * 1000,
    maxBytes: maxFileBytes,
    signal,
  });
}

async function readStdin({ stdin }: ReadOptions): Promise<Uint8Array> {
  const bytes = await stdin?.();
  if (!bytes) throw new PixtralError('input', 'stdin: is not there, expected a picture');
  return checked(bytes, 'stdin');
}

async function readPath(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readWhole(path, { maxBytes: maxFileBytes, what: 'a picture', pipes: true, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof PixtralError) throw cause;
    throw unreadable(path, cause);
  }
}

/** A failed system call on a picture's path. */
export function unreadable(path: string, cause: unknown): PixtralError {
  const known = { ENOENT: 'no such file', ENOTDIR: 'no such file', EACCES: 'may not be read', EISDIR: 'is a folder' };
  const reason = known[errnoOf(cause) as keyof typeof known] ?? reasonOf(cause);
  return new PixtralError('input', `${path}: ${reason}, expected a picture`, { cause });
}

function checked(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes.byteLength <= maxFileBytes) return bytes;
  throw new PixtralError('input', `${name}: is over ${maxFileBytes / 2 ** 20} MiB, too large for a picture`);
}
