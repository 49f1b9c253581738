import { join } from 'node:path';
import { parseByteSize } from '../base/byte-size.ts';
import { PixtralError } from '../base/errors.ts';
import type { Cache } from '../store/cache.ts';
import { cacheFolder } from '../base/cache-folder.ts';
import type { Io } from './io.ts';

/** What pictures and prompts left for later questions. */
export function resultsFolder({ env }: Io): string {
  return join(cacheFolder(env), 'results');
}

/** Where verdicts on GPUs are kept: a few hundred bytes; nowhere when PIXTRAL_CACHE_SIZE is 0. */
export function verdictFolder({ env }: Io): string | undefined {
  return parseByteSize(env['PIXTRAL_CACHE_SIZE'] ?? '') === 0 ? undefined : join(cacheFolder(env), 'gpu');
}

/** Which pairs of weights have been loaded before; nowhere when PIXTRAL_CACHE_SIZE is 0. */
export function trialFolder({ env }: Io): string | undefined {
  return parseByteSize(env['PIXTRAL_CACHE_SIZE'] ?? '') === 0 ? undefined : join(cacheFolder(env), 'pairs');
}

/**
 * The user's cache of results; undefined when PIXTRAL_CACHE_SIZE is 0.
 * @throws PixtralError `usage` when PIXTRAL_CACHE_SIZE is no size
 */
export async function userCache(io: Io): Promise<Cache | undefined> {
  const said = saidLimit(io);
  if (said === 0) return undefined;
  const { openCache } = await import('../store/cache.ts');
  return openCache({ folder: resultsFolder(io), limit: () => cacheLimit(io) });
}

/** What PIXTRAL_CACHE_SIZE says, or a share of the free disk. */
export async function cacheLimit(io: Io): Promise<number> {
  const said = saidLimit(io);
  if (said !== undefined) return said;
  const { defaultCacheLimit } = await import('../store/cache-limit.ts');
  return defaultCacheLimit(resultsFolder(io));
}

function saidLimit({ env }: Io): number | undefined {
  const said = env['PIXTRAL_CACHE_SIZE'];
  if (said === undefined || said === '') return undefined;
  const bytes = parseByteSize(said);
  if (bytes !== undefined) return bytes;
  throw new PixtralError('usage', `PIXTRAL_CACHE_SIZE: is ${JSON.stringify(said)}, expected a size such as 5GB, or 0`);
}
