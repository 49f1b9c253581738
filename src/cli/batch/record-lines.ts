import { type FileHandle, open } from 'node:fs/promises';
import { type Line, readLines } from '../../base/lines.ts';
import { readExactly } from '../../base/files.ts';
import { unreadableText } from './read-text.ts';

/** JSONL whose lines are read twice: once to know them all, once more when their turn comes. */
export interface RecordLines {
  lines(): AsyncIterable<Line>;
  read(line: { offset: number; byteLength: number }): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A file stays on the disk, so that pictures within its lines do not fill the memory. */
export async function fileLines(path: string): Promise<RecordLines> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadableText(path, { what: 'records in JSONL', cause });
  });
  if (!(await file.stat()).isFile()) {
    // A pipe or <(...) can be read only once.
    const bytes = await readPipe(file, path);
    return bytesLines(bytes);
  }
  return {
    lines: () => readLines(file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 })),
    read: ({ offset, byteLength }) => readExactly(file, { path, position: offset, length: byteLength }),
    close: () => file.close(),
  };
}

export function bytesLines(bytes: Uint8Array): RecordLines {
  return {
    lines: () => readLines([bytes]),
    read: async ({ offset, byteLength }) => bytes.subarray(offset, offset + byteLength),
    close: async () => {},
  };
}

async function readPipe(file: FileHandle, path: string): Promise<Uint8Array> {
  try {
    return await file.readFile();
  } catch (cause) {
    throw unreadableText(path, { what: 'records in JSONL', cause });
  } finally {
    await file.close();
  }
}
