import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';

/** One entry: magic, version, key, length and sha256 of the payload, payload. All numbers little-endian. */
const magic = 'PIXC';
const version = 1;
const headerLength = 4 + 4 + 32 + 8 + 32;
/** One system call reads or writes at most 2 GiB. */
const chunkLength = 256 * 1024 * 1024;

/** Writes an entry beside its place and renames it there: nobody ever sees half of it. */
export async function writeEntry(path: string, { key, payload }: { key: Buffer; payload: Uint8Array }): Promise<void> {
  const beside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
  const file = await open(beside, 'wx', 0o600);
  try {
    await writeAll(file, headerOf(key, payload));
    await writeAll(file, payload);
    await file.close();
    await rename(beside, path);
  } catch (thrown) {
    await file.close().catch(() => undefined);
    await rm(beside, { force: true });
    throw thrown;
  }
}

/** What became of an entry: `absent`, or `damaged` when it is cut, changed, of another version or under another's name. */
export type EntryState = 'absent' | 'damaged';

/** The payload of an entry, checked to the last byte. */
export async function readEntry(path: string, key: Buffer): Promise<Uint8Array | EntryState> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (thrown) {
    return errnoOf(thrown) === 'ENOENT' ? 'absent' : 'damaged';
  }
  try {
    const { size } = await file.stat();
    const header = await readAll(file, Math.min(headerLength, size));
    if (size < headerLength || !header.subarray(0, 40).equals(prefixOf(key))) return 'damaged';
    if (header.readBigUInt64LE(40) !== BigInt(size - headerLength)) return 'damaged';
    const payload = await readAll(file, size - headerLength);
    return sha256(payload).equals(header.subarray(48)) ? payload : 'damaged';
  } catch {
    return 'damaged'; // a folder, a read error, a file that shrinks under us
  } finally {
    await file.close();
  }
}

function headerOf(key: Buffer, payload: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(payload.byteLength));
  return Buffer.concat([prefixOf(key), length, sha256(payload)]);
}

function prefixOf(key: Buffer): Buffer {
  if (key.byteLength !== 32) throw new Error(`a key of ${key.byteLength} bytes, expected 32`);
  const start = Buffer.from(`${magic}\0\0\0\0`, 'latin1');
  start.writeUInt32LE(version, 4);
  return Buffer.concat([start, key]);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(chunkLength, bytes.byteLength - done));
    done += bytesWritten;
  }
}

/** From where the last read ended. */
async function readAll(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, Math.min(chunkLength, length - done));
    if (bytesRead === 0) throw new Error('ended early');
    done += bytesRead;
  }
  return bytes;
}
