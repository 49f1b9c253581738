import { cacheFolder } from '../base/cache-folder.ts';
import { modelsFolder } from '../base/models-folder.ts';
import type { NamedModel } from '../engine/runtime/resolve.ts';
import { noteLine } from '../output/note.ts';
import { storedModel } from '../store/models.ts';
import type { Io } from './io.ts';
import { verdictFolder } from './user-cache.ts';

/** The model that flags or the environment name; where they name none, the default or the only one installed. */
export async function namedModel(
  { model, mmproj, gpu = 'off', json = false }: NamedFlags,
  io: Io,
): Promise<NamedModel> {
  return {
    model: await storedModel(modelsFolder(io.env), model ?? io.env['PIXTRAL_MODEL']),
    mmproj,
    cache: cacheFolder(io.env),
    gpu,
    verdictFolder: verdictFolder(io),
    onNotice: (line) => io.stderr.write(noteLine(line, { json })),
    signal: io.signal,
  };
}

interface NamedFlags {
  model?: string;
  mmproj?: string;
  gpu?: NamedModel['gpu'];
  json?: boolean;
}
