import { mkdir, statfs } from 'node:fs/promises';

const most = 10e9;
const shareOfFree = 0.1;

/** 10 GB, or a tenth of what is free on the cache's disk if that is less, what the cache holds already counted as free. */
export async function defaultCacheLimit(folder: string, heldBytes: number): Promise<number> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(folder);
    return Math.min(most, (bavail * bsize + heldBytes) * shareOfFree);
  } catch {
    return 0; // a folder that cannot be made holds nothing
  }
}
