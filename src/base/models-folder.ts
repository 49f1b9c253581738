import { join } from 'node:path';
import { dataFolder } from './data-folder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder of models: PIXTRAL_MODELS, or where the platform wants what programs keep. */
export function modelsFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const own = env['PIXTRAL_MODELS'];
  return own !== undefined && own !== '' ? own : join(dataFolder(env, platform), 'models');
}
