import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder for what lives as long as a process does: PIXTRAL_RUNTIME, or where the platform wants it. */
export function runtimeFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const own = env['PIXTRAL_RUNTIME'];
  if (own !== undefined && own !== '') return own;
  if (platform === 'win32' && env['LOCALAPPDATA']) return join(env['LOCALAPPDATA'], 'pixtral', 'Runtime');
  if (env['XDG_RUNTIME_DIR']) return join(env['XDG_RUNTIME_DIR'], 'pixtral');
  return join(tmpdir(), `pixtral-${process.getuid?.() ?? userInfo().username}`);
}
