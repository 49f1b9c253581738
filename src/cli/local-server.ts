import { runtimeFolder } from '../base/runtime-folder.ts';
import type { ModelPaths } from '../engine/runtime/resolve.ts';
import { type Announcement, findAnnouncement, hasAnnouncements, servedKey } from '../store/announcements.ts';
import type { EngineFlags } from './engine-flags.ts';
import type { Io } from './io.ts';
import { packageVersion } from './package-version.ts';
import { type ServerFlags, isAuto } from './server-flags.ts';

/** Whether it is worth looking for one. */
export async function mayBeServed(
  { cache, ...flags }: EngineFlags & ServerFlags,
  io: Pick<Io, 'env'>,
): Promise<boolean> {
  return cache && isAuto(flags, io) && (await hasAnnouncements(runtimeFolder(io.env)));
}

/** The server of this user that would answer as this command would: the same weights, computed in the same way. */
export async function findLocalServer(
  { model, mmproj }: ModelPaths,
  { flags, io }: { flags: EngineFlags; io: Pick<Io, 'env'> },
): Promise<Announcement | undefined> {
  const key = await servedKey({ version: packageVersion(), model, mmproj, options: computedBy(flags) });
  return findAnnouncement(runtimeFolder(io.env), key);
}

/** What decides how the model is computed. */
export function computedBy({ gpu, gpuLayers, threads, context, cacheType, batchSize }: EngineFlags) {
  return { gpu, gpuLayers, threads, context, cacheType, batchSize };
}
