import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder of libraries that were built here: PIXTRAL_BUILDS, or where the platform wants what programs keep. */
export function buildsFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const own = env['PIXTRAL_BUILDS'];
  if (own !== undefined && own !== '') return own;
  const inHome = (...names: string[]): string => join(homedir(), ...names, 'pixtral', 'builds');
  if (platform === 'darwin') return inHome('Library', 'Application Support');
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'pixtral', 'builds');
  return env['XDG_DATA_HOME'] ? join(env['XDG_DATA_HOME'], 'pixtral', 'builds') : inHome('.local', 'share');
}
