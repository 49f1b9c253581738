import { mkdir, statfs } from 'node:fs/promises';
import { listEntries } from './cache.ts';

const most = 10e9;
const shareOfFree = 0.1;

/** 10 GB, or a tenth of what is free on the cache's disk if that is less; what the cache holds counts as free. */
export async function defaultCacheLimit(folder: string): Promise<number> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize * shareOfFree >= most) return most;
    const held = (await listEntries(folder)).reduce((sum, { bytes }) => sum + bytes, 0);
    return Math.min(most, (bavail * bsize + held) * shareOfFree);
  } catch {
    return 0; // a folder that cannot be made holds nothing
  }
}
