import { mkdir, rmdir, statfs } from 'node:fs/promises';
import { byteSize } from '../base/byte-size.ts';
import { PixtralError } from '../base/errors.ts';
import { systemError } from '../base/files.ts';

/** Makes the folder if it is missing, and takes it away again when it was made for nothing. */
export async function inFolder(folder: string, bytes: number, use: () => Promise<void>): Promise<void> {
  const made = await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw systemError(folder, 'cannot write there', cause);
  });
  try {
    await requireSpace(folder, bytes);
    await use();
  } catch (thrown) {
    if (made !== undefined) await rmdir(folder).catch(() => undefined); // parts or others' files may be in it
    throw thrown;
  }
}

/** Refuses before anything is written when the pair cannot fit. */
async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    throw systemError(folder, 'cannot write there', cause);
  });
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new PixtralError('machine', `${folder}: ${byteSize(free)} free, expected ${byteSize(bytes)} for the pair`, {
    hint: 'free some space, or write to another disk with --out',
  });
}
