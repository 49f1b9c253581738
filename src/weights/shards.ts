import { basename, join } from 'node:path';
import { PixtralError } from '../base/errors.ts';
import type { OpenRanged } from '../base/ranged-file.ts';
import { asObject, optionalField, readJson } from './json.ts';
import { type SafeTensor, readSafetensors } from './safetensors.ts';

/** Pixtral's index has 58 kB. */
const maxIndexBytes = 64 * 1024 * 1024;
const maxShards = 1000;

/** Which files of a folder hold one layout's weights. */
export interface ShardNames {
  /** `model.safetensors`, `model-00001-of-00006.safetensors`, ... */
  pattern: RegExp;
  /** `model.safetensors.index.json` */
  index: string;
}

/**
 * All tensors of a checkpoint's safetensors files, by name. With an index, exactly the files it lists are read, and
 * each tensor must stand where the index says; otherwise every file whose name fits, which must be a complete set.
 * @throws PixtralError `model`
 */
export async function readShards(
  folder: string,
  { files, shards, open }: { files: readonly string[]; shards: ShardNames; open: OpenRanged },
): Promise<Map<string, SafeTensor>> {
  const placed = files.includes(shards.index) ? await readIndex(join(folder, shards.index)) : new Map<string, string>();
  const names = placed.size > 0 ? [...new Set(placed.values())].sort() : weightFiles(folder, { files, shards });
  if (names.length > maxShards) throw new PixtralError('model', `${folder}: ${names.length} shards, expected a few`);
  requireListed(names, { folder, files, index: shards.index });
  const tensors = new Map<string, SafeTensor>();
  for (const name of names) {
    for (const tensor of (await readSafetensors(join(folder, name), open)).values()) addTensor(tensors, tensor);
  }
  for (const [tensor, file] of placed) requirePlaced(tensors.get(tensor), { folder, tensor, file });
  return tensors;
}

function requireListed(
  names: readonly string[],
  { folder, files, index }: { folder: string; files: readonly string[]; index: string },
): void {
  const missing = names.filter((name) => !files.includes(name));
  if (missing.length === 0) return;
  const more = missing.length === 1 ? '' : ` and ${missing.length - 1} more`;
  throw new PixtralError('model', `${folder}: lacks ${missing[0]}${more}, which ${index} lists`, {
    hint: `copy or download what is missing; where the weights stand in other files, remove ${index}`,
  });
}

/** Whether a folder holds weights of this layout. */
export function hasShards(files: readonly string[], { pattern, index }: ShardNames): boolean {
  return files.some((file) => file === index || pattern.test(file));
}

async function readIndex(path: string): Promise<Map<string, string>> {
  const index = await readJson(path, maxIndexBytes);
  const { fields } = asObject(optionalField(index, 'weight_map'), `${path}: weight_map`);
  return new Map(Object.entries(fields).map(([tensor, file]) => [tensor, shardName(file, `${path}: ${tensor}`)]));
}

/** A shard's name is a plain file name: an index from elsewhere must not make us read other folders. */
function shardName(value: unknown, where: string): string {
  if (typeof value === 'string' && /^[\w][\w.-]*\.safetensors$/.test(value)) return value;
  throw new PixtralError('model', `${where}: found ${JSON.stringify(value)}, expected the name of a safetensors file`);
}

const numbered = /-(\d{5})-of-(\d{5})\.safetensors$/;

function weightFiles(folder: string, { files, shards }: { files: readonly string[]; shards: ShardNames }): string[] {
  const found = files.filter((file) => shards.pattern.test(file)).sort();
  const counts = found.map((file) => Number(numbered.exec(file)?.[2] ?? 1));
  const expected = Math.max(...counts, 1);
  if (counts.some((count) => count !== expected) || found.length !== expected) {
    throw new PixtralError('model', `${folder}: has ${found.length} weight files, expected ${expected}`, {
      hint: 'copy or download the missing files',
    });
  }
  return found;
}

function addTensor(tensors: Map<string, SafeTensor>, tensor: SafeTensor): void {
  const other = tensors.get(tensor.name);
  if (other !== undefined) {
    throw new PixtralError('model', `${tensor.path}: tensor ${tensor.name} stands in ${basename(other.path)} too`);
  }
  tensors.set(tensor.name, tensor);
}

function requirePlaced(
  found: SafeTensor | undefined,
  { folder, tensor, file }: { folder: string; tensor: string; file: string },
): void {
  if (found !== undefined && basename(found.path) === file) return;
  throw new PixtralError('model', `${join(folder, file)}: lacks tensor ${tensor}, which the index places there`);
}
