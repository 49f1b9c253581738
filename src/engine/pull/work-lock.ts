import { open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder, systemError } from '../../base/files.ts';
import { pause } from '../../hub/http.ts';
import { lockFile } from '../../native/file-lock.ts';
import type { PullOptions } from './options.ts';

/** Looked at so often whether another process has finished. */
const pollMilliseconds = 500;

/** One process at a time works in a folder; another waits, and says so. A process that is killed leaves no lock. */
export async function alone<T>(
  work: string,
  { signal, onNote }: Pick<PullOptions, 'signal' | 'onNote'>,
  use: () => Promise<T>,
): Promise<T> {
  const path = `${work}.lock`;
  const file = await makeFolder(dirname(path), 0o755)
    .then(() => open(path, 'a'))
    .catch((cause: unknown) => {
      throw systemError(path, 'cannot write', cause);
    });
  try {
    const descriptor = { descriptor: file.fd, path: await realpath(path) };
    for (let told = false; (await lockFile(descriptor)) === 'taken'; told = true) {
      if (!told) onNote('another process pulls the same: waiting for it');
      await pause(pollMilliseconds, signal);
    }
    return await use();
  } finally {
    await file.close();
  }
}
