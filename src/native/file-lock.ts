import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createServer } from 'node:net';

/** `locked`: ours until the file is closed or the process ends, however it ends; `unsupported`: the disk has no locks. */
export type LockState = 'locked' | 'taken' | 'unsupported';

const exclusive = 2;
const atOnce = 4;

/**
 * Asks the kernel for a file, so that a process that was killed leaves nothing behind which would lock out the next.
 * @param file an open file and its real path
 */
export function lockFile(file: { descriptor: number; path: string }): Promise<LockState> {
  return process.platform === 'win32' ? lockByName(file.path) : lockByDescriptor(file.descriptor);
}

async function lockByDescriptor(descriptor: number): Promise<LockState> {
  const { koffi } = await import('./koffi.ts');
  const flock = koffi.load(null).func('flock', 'int', ['int', 'int']) as (file: number, how: number) => number;
  if (flock(descriptor, exclusive | atOnce) === 0) return 'locked';
  return koffi.errno() === constants.errno.EWOULDBLOCK ? 'taken' : 'unsupported';
}

/** A pipe's name belongs to one process and is free when that ends. */
async function lockByName(path: string): Promise<LockState> {
  const name = createHash('sha256').update(path.toLowerCase()).digest('hex').slice(0, 32);
  const server = createServer().unref();
  try {
    await once(server.listen(`\\\\.\\pipe\\pixtral-${name}`), 'listening');
    return 'locked';
  } catch {
    return 'taken';
  }
}
