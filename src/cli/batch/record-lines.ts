import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { PixtralError } from '../../base/errors.ts';
import { readExactly } from '../../base/files.ts';
import { type Line, readLines } from '../../base/lines.ts';
import { readWhole } from '../../base/read-whole.ts';
import { decodeText, textEncoding } from '../../base/text.ts';
import { recordsStdinBytes } from '../io.ts';
import { unreadableText } from './read-text.ts';

/** Where a line of records is, and what it was when it was first read. */
export interface LinePlace {
  /** `records.jsonl, line 7` */
  where: string;
  offset: number;
  byteLength: number;
  fingerprint: number;
}

/** JSONL whose lines are read twice: once to know them all, once more when their turn comes. */
export interface RecordLines {
  lines(): AsyncIterable<Line>;
  /** @throws PixtralError `input` when it is no longer what it was: another's answer would be kept under its id */
  read(place: LinePlace): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function placeOf({ bytes, offset }: Pick<Line, 'bytes' | 'offset'>, where: string): LinePlace {
  return { where, offset, byteLength: bytes.byteLength, fingerprint: fingerprintOf(bytes) };
}

/** A file stays on the disk, so that pictures within its lines do not fill the memory. */
export async function fileLines(path: string): Promise<RecordLines> {
  // A pipe without a writer would hold the thread that opens it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw unreadableText(path, { what, cause });
  });
  if (!(await file.stat()).isFile()) {
    await file.close();
    return bytesLines(await readAtOnce(path), path); // <(...) can be read only once
  }
  if ((await encodingOf(file, path)) !== 'utf-8') {
    await file.close();
    return bytesLines(await readAtOnce(path), path); // its lines end where those of UTF-8 do not
  }
  return {
    lines: () => readLines(file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 })),
    async read(place) {
      const { offset, byteLength } = place;
      const read = readExactly(file, { path, position: offset, length: byteLength });
      const bytes = await read.catch(() => new Uint8Array()); // it has become shorter
      if (fingerprintOf(bytes) === place.fingerprint) return bytes;
      throw new PixtralError('input', `${place.where}: has changed since the batch began, expected it to stay`, {
        hint: 'let the file be while it is worked on; the same command does what was not done',
      });
    },
    close: () => file.close(),
  };
}

const what = 'records in JSONL';

/** @throws PixtralError `input` for an encoding that is not read */
export function bytesLines(bytes: Uint8Array, where: string): RecordLines {
  const isForeign = textEncoding(bytes.subarray(0, openingBytes), where) !== 'utf-8';
  const utf8 = isForeign ? Buffer.from(decodeText(bytes, where)) : bytes;
  return {
    lines: () => readLines([utf8]),
    read: async ({ offset, byteLength }) => utf8.subarray(offset, offset + byteLength),
    close: async () => {},
  };
}

/** Enough to tell an encoding by. */
const openingBytes = 4096;

async function encodingOf(file: FileHandle, path: string): Promise<ReturnType<typeof textEncoding>> {
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(openingBytes), 0, openingBytes, 0);
    return textEncoding(buffer.subarray(0, bytesRead), path);
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

function readAtOnce(path: string): Promise<Uint8Array> {
  return readWhole(path, { maxBytes: recordsStdinBytes, what, pipes: true }).catch((cause: unknown) => {
    throw unreadableText(path, { what, cause });
  });
}

/** 48 bits: many records are held. */
function fingerprintOf(bytes: Uint8Array): number {
  return createHash('sha256').update(bytes).digest().readUIntBE(0, 6);
}
