import { PixtralError } from '../../base/errors.ts';
import { type InstalledModel, installedModels, isModelName } from '../../store/models.ts';
import type { PullOptions } from './options.ts';

/**
 * What an installed model is called: as the user says, else after the weights and their type.
 * @throws PixtralError `usage` for a name that cannot be one
 */
export function modelName(weights: string, { type, name }: { type: string; name: string | undefined }): string {
  const chosen =
    name ??
    `${weights
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
      .replace(/[._-]*gguf$/, '')}-${type}`;
  if (isModelName(chosen)) return chosen;
  throw new PixtralError('usage', `${chosen}: is no name for a model, expected letters, numbers, dots and dashes`, {
    hint: 'choose one with --name',
  });
}

/**
 * The installed model of that name, when it is what would be made again.
 * @throws PixtralError `usage` when the name is another's: said before hours of work
 */
export async function installedAs(
  name: string,
  { revision, type, mmprojType, options }: { revision: string; type: string; mmprojType: string; options: PullOptions },
): Promise<InstalledModel | undefined> {
  const { store, force, overrides, imatrix } = options;
  const found = force ? undefined : (await installedModels(store)).find((model) => model.name === name);
  if (!found) return undefined;
  const { record } = found;
  const isSame = record.revision === revision && record.type === type && record.mmprojType === mmprojType;
  if (isSame && overrides.length === 0 && imatrix === undefined) return found;
  throw new PixtralError('usage', `${name}: is installed already, from another revision or with other options`, {
    hint: 'use --force to replace it, or --name to give this one another name',
  });
}
