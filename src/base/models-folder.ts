import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder of models: PIXTRAL_MODELS, or where the platform wants what programs keep. */
export function modelsFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const own = env['PIXTRAL_MODELS'];
  if (own !== undefined && own !== '') return own;
  const inHome = (...names: string[]): string => join(homedir(), ...names, 'pixtral', 'models');
  if (platform === 'darwin') return inHome('Library', 'Application Support');
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'pixtral', 'models');
  return env['XDG_DATA_HOME'] ? join(env['XDG_DATA_HOME'], 'pixtral', 'models') : inHome('.local', 'share');
}
