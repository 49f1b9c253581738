import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder for what is remembered from one session to the next: PIXTRAL_STATE, or where the platform wants it. */
export function stateFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const own = env['PIXTRAL_STATE'];
  if (own !== undefined && own !== '') return own;
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'pixtral');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'pixtral', 'State');
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'pixtral');
}
