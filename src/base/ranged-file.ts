import { readExactly } from './files.ts';
import { openRegular } from './regular-file.ts';

/** A file that is read by ranges: on a disk, or on its way here. */
export interface RangedFile {
  byteLength: number;
  /** Exactly those bytes. */
  read(range: { position: number; length: number }): Promise<Uint8Array>;
  close(): Promise<void>;
}

export type OpenRanged = (path: string) => Promise<RangedFile>;

/** @throws whatever the system says of the path */
export async function openOnDisk(path: string): Promise<RangedFile> {
  const file = await openRegular(path);
  return {
    byteLength: (await file.stat()).size,
    read: ({ position, length }) => readExactly(file, { path, position, length }),
    close: () => file.close(),
  };
}
