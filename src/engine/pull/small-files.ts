import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';
import { gitBlobId } from '../../hub/hub-remote.ts';
import type { Remote, RemoteFile } from '../../hub/remote.ts';

interface SmallFiles {
  remote: Remote;
  folder: string;
  signal: AbortSignal;
  /** Told of each file that has to be fetched, before it is. */
  onFetch: (path: string) => void;
}

/** Files as they are, each checked; those that are there already are read from disk. */
export async function fetchSmallFiles(
  files: readonly RemoteFile[],
  { remote, folder, signal, onFetch }: SmallFiles,
): Promise<void> {
  for (const file of files) {
    const path = join(folder, file.path);
    const there = await readFile(path).catch(() => undefined);
    if (there && there.byteLength === file.byteLength && isRight(there, file)) continue;
    onFetch(file.path);
    const bytes = await remote.read({ path: file.path, start: 0, end: file.byteLength }, signal);
    if (!isRight(bytes, file)) {
      throw new PixtralError('model', `${remote.label}/${file.path}: its sum is not the published one`, {
        hint: 'run the same command again, over another network if this happens twice',
      });
    }
    await writeBeside(path, bytes);
  }
}

function isRight(bytes: Uint8Array, { sha256, gitId }: RemoteFile): boolean {
  if (sha256 !== undefined) return createHash('sha256').update(bytes).digest('hex') === sha256;
  return gitId === undefined || gitBlobId(bytes) === gitId;
}

/** The reference implementation's limit for a header of safetensors. */
const maxHeaderBytes = 100_000_000;

/**
 * The header of each file of weights, in a file of its name that ends after it: enough to plan with.
 * What is read here is compared with what is hashed later.
 */
export async function fetchHeaders(
  files: readonly RemoteFile[],
  { remote, folder, signal }: { remote: Remote; folder: string; signal: AbortSignal },
): Promise<Map<string, Buffer>> {
  const headers = new Map<string, Buffer>();
  for (const { path, byteLength } of files) {
    const local = join(folder, path);
    const there = await readFile(local).catch(() => undefined);
    const header = there && headerEnd(there) === there.byteLength ? there : await fetchHeader(path, byteLength);
    headers.set(path, header);
    if (header !== there) await writeBeside(local, header);
  }
  return headers;

  async function fetchHeader(path: string, byteLength: number): Promise<Buffer> {
    const prefix = await remote.read({ path, start: 0, end: Math.min(8, byteLength) }, signal);
    const end = headerEnd(Buffer.from(prefix));
    if (end > Math.min(byteLength, maxHeaderBytes)) {
      throw new PixtralError(
        'model',
        `${remote.label}/${path}: its header has ${end} bytes, expected a safetensors file`,
      );
    }
    return Buffer.concat([prefix, await remote.read({ path, start: 8, end }, signal)]);
  }
}

function headerEnd(bytes: Buffer): number {
  return bytes.byteLength < 8 ? Infinity : 8 + Number(bytes.readBigUInt64LE(0));
}

async function writeBeside(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.part`, bytes);
    await rename(`${path}.part`, path);
  } catch (cause) {
    throw systemError(path, 'cannot write', cause);
  }
}
