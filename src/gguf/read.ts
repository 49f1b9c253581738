import type { FileHandle } from 'node:fs/promises';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { readExactly } from '../base/files.ts';
import { openRegular } from '../base/regular-file.ts';
import { parseGguf } from './parse.ts';
import type { Gguf } from './types.ts';

/** A projector's header fits in the first read, a model's with its vocabulary in the third. */
const firstRead = 256 * 1024;
const growth = 8;
/** Pixtral's header is 10 MB, nearly all of it tokenizer. A hostile one must not ask for all memory. */
const maxHeaderBytes = 512 * 1024 * 1024;

/**
 * Reads a GGUF file's header: metadata and where each tensor stands. Tensor bytes are not read.
 * @throws PixtralError `model` when the file is missing, cut short or not a sound GGUF
 */
export async function readGguf(path: string): Promise<Gguf> {
  const file = await openRegular(path).catch((cause: unknown) => {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}, expected a GGUF file`, { cause });
  });
  try {
    return await readHeader(file, path, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function readHeader(file: FileHandle, path: string, fileByteLength: number): Promise<Gguf> {
  let head: Uint8Array = new Uint8Array(0);
  for (let target = firstRead; head.byteLength < maxHeaderBytes; target *= growth) {
    head = await readOn(file, { path, head, length: Math.min(target, fileByteLength, maxHeaderBytes) });
    const gguf = parseGguf(head, { path, fileByteLength });
    if (gguf !== undefined) return gguf;
  }
  throw new PixtralError('model', `${path}: its header is over ${maxHeaderBytes} bytes, expected about 10 MB`);
}

/** `head` continued from the file to `length` bytes. */
async function readOn(
  file: FileHandle,
  { path, head, length }: { path: string; head: Uint8Array; length: number },
): Promise<Uint8Array> {
  const longer = new Uint8Array(length);
  longer.set(head);
  const rest = longer.subarray(head.byteLength);
  await readExactly(file, { path, position: head.byteLength, length: rest.byteLength, target: rest });
  return longer;
}
