import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Opens a file of a model or checkpoint. A pipe without a writer would hold the thread that opens it for ever, a device
 * may have no end.
 * @throws system errors, and an Error that says what is wrong, as they are
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error('not a file');
}

/** All of one. @throws also when it has more than `maxBytes` */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw new Error(`has ${size} bytes, expected at most ${maxBytes}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
