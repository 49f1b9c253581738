import type { NamedModel } from '../engine/resolve.ts';
import { cacheFolder } from '../base/cache-folder.ts';
import type { Io } from './io.ts';

/** The model that flags or the environment name. */
export function namedModel(
  { model, mmproj, gpu = 'off' }: { model?: string; mmproj?: string; gpu?: NamedModel['gpu'] },
  { env }: Io,
): NamedModel {
  return { model: model ?? env['PIXTRAL_MODEL'], mmproj, cache: cacheFolder(env), gpu };
}
