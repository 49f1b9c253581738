import { type Hash, createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { systemError, writeFully } from '../base/files.ts';
import type { GgufTensor } from '../gguf/types.ts';
import { readAhead } from './read-ahead.ts';

/** Beside a part: what it is a part of, and a SHA-256 of each tensor that is whole, one a line. */
export function sumsPathOf(path: string): string {
  return `${path}.sums.part`;
}

/** What an earlier run of this very conversion left; nothing when it was another's. */
export async function readSums(path: string, conversion: string): Promise<string[]> {
  const text = await readFile(sumsPathOf(path), 'utf8').catch(() => '');
  const [first, ...sums] = text.split('\n').slice(0, -1); // a line that a kill cut has no end
  return first === conversion && sums.every((sum) => /^[0-9a-f]{64}$/.test(sum)) ? sums : [];
}

export interface Sums {
  /** Of the tensor whose bytes have just been written. */
  add(sum: string): Promise<void>;
  close(): Promise<void>;
}

/** Begins a list anew with what is known. */
export async function openSums(
  path: string,
  { conversion, known }: { conversion: string; known: readonly string[] },
): Promise<Sums> {
  const sumsPath = sumsPathOf(path);
  const file = await open(sumsPath, 'w').catch((cause: unknown) => {
    throw systemError(sumsPath, 'cannot write', cause);
  });
  let end = 0;
  const append = async (lines: readonly string[]): Promise<void> => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    await writeFully(file, { path: sumsPath, position: end, bytes });
    end += bytes.byteLength;
  };
  try {
    await append([conversion, ...known]);
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
  return { add: (sum) => append([sum]), close: () => file.close() };
}

export function newSum(): Hash {
  return createHash('sha256');
}

/** The sum of a tensor as it stands in the file. */
export async function sumInFile(
  file: FileHandle,
  { path, tensor: { offset, byteLength } }: { path: string; tensor: GgufTensor },
): Promise<string> {
  const hash = newSum();
  const spans = [{ start: offset, end: offset + byteLength }];
  for await (const { bytes } of readAhead({ file, path, spans })) hash.update(bytes);
  return hash.digest('hex');
}
