import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder for what programs keep: PIXTRAL_DATA, or where the platform wants it. */
export function dataFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const own = env['PIXTRAL_DATA'];
  if (own !== undefined && own !== '') return own;
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'pixtral');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'pixtral');
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'pixtral');
}
