import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder for what can be made again: PIXTRAL_CACHE, or where the platform wants it. */
export function cacheFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const own = env['PIXTRAL_CACHE'];
  if (own !== undefined && own !== '') return own;
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'pixtral');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'pixtral', 'Cache');
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pixtral');
}
