import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';

/** One entry: magic, version, key, length and sha256 of the payload, payload. All numbers little-endian. */
const magic = 'PIXC';
const version = 1;
const headerLength = 4 + 4 + 32 + 8 + 32;
/** One system call reads or writes at most 2 GiB. */
const chunkLength = 256 * 1024 * 1024;
const pieceLength = 4 * 1024 * 1024;

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

/** The payload of an entry, checked to the last byte; one of more than `maxBytes` is not what was put there. */
export function readEntry(
  path: string,
  { key, maxBytes }: { key: Buffer; maxBytes: number },
): Promise<Uint8Array | EntryState> {
  return withPayload(path, key, async (file, { byteLength, hash }) => {
    if (byteLength > maxBytes) return 'damaged';
    const payload = await readAll(file, byteLength);
    return sha256(payload).equals(hash) ? payload : 'damaged';
  });
}

/** The same check of an entry of any size, a piece of it in memory at a time. */
export function checkEntry(path: string, key: Buffer): Promise<'whole' | EntryState> {
  return withPayload(path, key, async (file, { byteLength, hash }) => {
    const sum = createHash('sha256');
    for (let left = byteLength; left > 0;) {
      const piece = await readAll(file, Math.min(left, pieceLength));
      sum.update(piece);
      left -= piece.byteLength;
    }
    return sum.digest().equals(hash) ? 'whole' : 'damaged';
  });
}

async function withPayload<T>(
  path: string,
  key: Buffer,
  read: (file: FileHandle, payload: { byteLength: number; hash: Buffer }) => Promise<T | EntryState>,
): Promise<T | EntryState> {
  let file: FileHandle;
  try {
    // Whatever lies in the folder: neither links are followed nor pipes waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (thrown) {
    return errnoOf(thrown) === 'ENOENT' ? 'absent' : 'damaged';
  }
  try {
    const status = await file.stat();
    const byteLength = status.size - headerLength;
    if (!status.isFile() || byteLength < 0) return 'damaged';
    const header = await readAll(file, headerLength);
    if (!header.subarray(0, 40).equals(prefixOf(key))) return 'damaged';
    if (header.readBigUInt64LE(40) !== BigInt(byteLength)) return 'damaged';
    return await read(file, { byteLength, hash: header.subarray(48) });
  } catch {
    return 'damaged'; // a read error, a file that shrinks under us
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
