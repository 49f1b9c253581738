import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';

/** Paths of a model and the projector that goes with it. */
export interface ModelPaths {
  model: string;
  mmproj: string;
}

/** Files that say a folder is a checkpoint, not yet converted. */
const checkpointFiles = [
  'params.json',
  'consolidated.safetensors',
  'model.safetensors',
  'model.safetensors.index.json',
];

/**
 * Finds the GGUF pair behind what a user named: a GGUF file with its projector beside it (or given), or a folder
 * that holds both.
 * @throws PixtralError `model`, with the way to a model in its hint
 */
export async function resolveModel({
  model,
  mmproj,
}: {
  model: string | undefined;
  mmproj: string | undefined;
}): Promise<ModelPaths> {
  if (model === undefined || model === '') {
    throw new PixtralError('model', 'no model: none was given with --model or PIXTRAL_MODEL', {
      hint: 'convert a checkpoint once with `pixtral convert <folder>`, then name the result with --model',
    });
  }
  const kind = await kindOf(model);
  const folder = kind === 'folder' ? model : dirname(model);
  const files = await readdir(folder);
  const modelPath = kind === 'folder' ? join(folder, modelIn(folder, files)) : model;
  return { model: modelPath, mmproj: mmproj ?? join(folder, projectorIn(folder, files, basename(modelPath))) };
}

async function kindOf(path: string): Promise<'file' | 'folder'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (cause) {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file or folder' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}`, {
      hint: 'give a .gguf file, or a folder that pixtral convert wrote',
      cause,
    });
  }
}

const isProjector = (file: string): boolean => /mmproj/i.test(file);

function modelIn(folder: string, files: readonly string[]): string {
  const found = files.filter((file) => file.endsWith('.gguf') && !isProjector(file));
  const exact = found.find((file) => file === 'model.gguf');
  const [only] = found;
  if (exact !== undefined) return exact;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) {
    throw new PixtralError('model', `${folder}: holds ${found.length} models (${found.join(', ')}), expected one`, {
      hint: 'name the file itself with --model',
    });
  }
  const unconverted = files.some((file) => checkpointFiles.includes(file));
  throw new PixtralError(
    'model',
    `${folder}: ${unconverted ? 'is a checkpoint that is not converted yet' : 'holds no .gguf file'}`,
    {
      hint: `run: pixtral convert ${unconverted ? folder : '<checkpoint folder>'}`,
    },
  );
}

function projectorIn(folder: string, files: readonly string[], model: string): string {
  const found = files.filter((file) => file.endsWith('.gguf') && isProjector(file));
  const exact = found.find((file) => file === 'mmproj.gguf' || file === `mmproj-${model}`);
  const [only] = found;
  if (exact !== undefined) return exact;
  if (only !== undefined && found.length === 1) return only;
  const finding = found.length === 0 ? 'no mmproj*.gguf' : `${found.length} mmproj files`;
  throw new PixtralError('model', `${folder}: ${finding} beside ${model}, expected one projector`, {
    hint: 'name the projector with --mmproj; without it the model is blind',
  });
}
