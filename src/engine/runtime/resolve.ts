import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';
import type { Native } from '../../native/native.ts';
import { demoFolder, demoName, demoNotice } from './demo.ts';
import type { GpuOptions } from './working-gpu.ts';

/** Paths of a model and the projector that goes with it. */
export interface ModelPaths {
  model: string;
  mmproj: string;
  /** What a user of this model should be told. */
  notice?: string;
  /** A runtime that was opened on the way. */
  native?: Native;
}

/** What a user said of the model. */
export interface NamedModel extends GpuOptions {
  model: string | undefined;
  mmproj: string | undefined;
  /** The user's cache folder, where the demonstration model is converted to. */
  cache: string;
}

/** Files that say a folder is a checkpoint, not yet converted. */
const checkpointFiles = [
  'params.json',
  'consolidated.safetensors',
  'model.safetensors',
  'model.safetensors.index.json',
];

/**
 * Finds the GGUF pair behind what a user named: a GGUF file with its projector beside it (or given), a folder that
 * holds both, or `demo`. A path wins over the name.
 * @throws PixtralError `model`, with the way to a model in its hint
 */
export async function resolveModel({ model, mmproj, cache, ...gpu }: NamedModel): Promise<ModelPaths> {
  if (model === undefined || model === '') {
    throw new PixtralError('model', 'no model: none was given with --model or PIXTRAL_MODEL', {
      hint: 'install one: pixtral pull pixtral-12b   (--model demo tries pixtral on drawings; pixtral convert takes weights that are here)',
    });
  }
  if (await isDemo(model)) {
    const { folder, ...opened } = await demoFolder({ cache, ...gpu });
    return { ...(await inPath(folder, mmproj)), ...opened, notice: demoNotice };
  }
  return inPath(model, mmproj);
}

/** Never chosen unless it is named. */
export async function isDemo(model: string): Promise<boolean> {
  return model === demoName && !(await exists(model));
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function inPath(model: string, mmproj: string | undefined): Promise<ModelPaths> {
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
      hint: 'give a .gguf file, a folder that pixtral convert wrote, an installed model (pixtral models lists them), or demo',
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
