import type { ModelFiles } from './model-files.ts';
import { weightsContent } from './fingerprint.ts';

/** What tells a model from others, on any machine. */
export interface ModelIdentity {
  name: string;
  /** Of both files, in hexadecimal; undefined where a server has them. */
  weights: string | undefined;
}

export async function modelIdentity({ name, model, mmproj }: ModelFiles): Promise<ModelIdentity> {
  const contents = await Promise.all([weightsContent(model), weightsContent(mmproj)]);
  return { name, weights: contents.map((bytes) => bytes.toString('hex').slice(0, 32)).join('') };
}
