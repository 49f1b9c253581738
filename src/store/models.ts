import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { fileSum } from '../base/file-sum.ts';
import { systemError } from '../base/files.ts';

/** A file with its length and, where it is known, its sha256 in hex. */
export interface FileRecord {
  name: string;
  bytes: number;
  sha256?: string | undefined;
}

/** What stands beside an installed pair: where it came from and what it is. */
export interface ModelRecord {
  version: 1;
  /** `mistralai/Pixtral-12B-2409` or `magnet:?xt=...`: what `pixtral pull` takes. */
  source: string;
  /** The commit of a repository, the infohash of a torrent. */
  revision: string;
  /** `q4_k_m`; as the repository has it for a pair that was ready. */
  type: string;
  mmprojType: string;
  /** The files that were fetched, with the sums that they were checked against. */
  original: FileRecord[];
  /** The pair as it was installed, with its sums; undefined: installed before sums were recorded. */
  pair?: FileRecord[] | undefined;
  /** ISO date. */
  pulled: string;
  /** `pixtral 1.2.0` */
  pulledBy: string;
}

export interface InstalledModel {
  name: string;
  folder: string;
  model: string;
  mmproj: string;
  /** Of the pair. */
  bytes: number;
  record: ModelRecord;
}

/** The files of an installed pair. */
export const pairFiles = { model: 'model.gguf', mmproj: 'mmproj.gguf', record: 'pixtral.json' } as const;
/** Holds the name of the model that is used when none is named. */
const defaultFile = 'default';

/** All installed models by name. A folder without a record or a whole pair is none: `pull` renames one in when it is whole. */
export async function installedModels(folder: string): Promise<InstalledModel[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return [];
    throw systemError(folder, 'cannot read the models', cause);
  });
  const found = await Promise.all(names.filter(isModelName).map((name) => modelAt(folder, name)));
  return found.filter((model) => model !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What can be a model's name, and so a folder's: nothing that leads out of the store. */
export function isModelName(name: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name) && !name.endsWith('.gguf') && name !== defaultFile;
}

async function modelAt(store: string, name: string): Promise<InstalledModel | undefined> {
  const folder = join(store, name);
  const [model, mmproj] = [join(folder, pairFiles.model), join(folder, pairFiles.mmproj)];
  const record = await readRecord(join(folder, pairFiles.record));
  const sizes = await Promise.all(
    [model, mmproj].map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => undefined,
      ),
    ),
  );
  const [modelBytes, mmprojBytes] = sizes;
  if (record === undefined || modelBytes === undefined || mmprojBytes === undefined) return undefined;
  return { name, folder, model, mmproj, bytes: modelBytes + mmprojBytes, record };
}

async function readRecord(path: string): Promise<ModelRecord | undefined> {
  try {
    return asRecord(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): ModelRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const text = (key: string): string => (typeof fields[key] === 'string' ? fields[key] : '');
  if (fields['version'] !== 1 || text('source') === '') return undefined;
  return {
    version: 1,
    source: text('source'),
    revision: text('revision'),
    type: text('type'),
    mmprojType: text('mmprojType'),
    original: Array.isArray(fields['original']) ? fields['original'].filter(isFileRecord) : [],
    pair: Array.isArray(fields['pair']) ? fields['pair'].filter(isFileRecord) : undefined,
    pulled: text('pulled'),
    pulledBy: text('pulledBy'),
  };
}

function isFileRecord(value: unknown): value is FileRecord {
  return typeof value === 'object' && value !== null && 'name' in value && 'bytes' in value;
}

/** The model that is used when none is named: the chosen one, else the only one there is. */
export async function defaultModel(folder: string): Promise<InstalledModel | undefined> {
  const models = await installedModels(folder);
  const chosen = await readFile(join(folder, defaultFile), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  return models.find(({ name }) => name === chosen) ?? (models.length === 1 ? models[0] : undefined);
}

/** @throws PixtralError `model` for a name that is not installed */
export async function chooseDefault(folder: string, name: string): Promise<void> {
  await requireModel(folder, name);
  const path = join(folder, defaultFile);
  try {
    await writeFile(`${path}.part`, `${name}\n`);
    await rename(`${path}.part`, path);
  } catch (cause) {
    throw systemError(path, 'cannot write', cause);
  }
}

/** @throws PixtralError `model` for a name that is not installed */
export async function removeModel(folder: string, name: string): Promise<InstalledModel> {
  const model = await requireModel(folder, name);
  try {
    await rm(join(model.folder, pairFiles.record)); // from here on it is no model, also when the rest is interrupted
    await rm(model.folder, { recursive: true });
  } catch (cause) {
    throw systemError(model.folder, 'cannot remove', cause);
  }
  return model;
}

/** @throws PixtralError `model` with the names that there are */
export async function requireModel(folder: string, name: string): Promise<InstalledModel> {
  const models = await installedModels(folder);
  const found = models.find((model) => model.name === name);
  if (found) return found;
  const names = models.map((model) => model.name).join(', ');
  throw new PixtralError(
    'model',
    `${name}: no such model is installed${names === '' ? '' : `, expected one of: ${names}`}`,
    {
      hint: 'pixtral models lists what is installed, pixtral pull installs',
    },
  );
}

/** The folder of the installed model behind a name that is no path, or of the default when none is named. */
export async function storedModel(folder: string, wanted: string | undefined): Promise<string | undefined> {
  if (wanted === undefined || wanted === '') return (await defaultModel(folder))?.folder;
  if (!isModelName(wanted) || (await isThere(wanted))) return wanted;
  return (await modelAt(folder, wanted))?.folder ?? wanted;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (cause: unknown) => {
      if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return false;
      throw new PixtralError('model', `${path}: ${reasonOf(cause)}`, { cause });
    },
  );
}

/** sha256 of both files as they are on disk now, in hex. */
export async function pairSums(
  { model, mmproj }: Pick<InstalledModel, 'model' | 'mmproj'>,
  signal: AbortSignal,
): Promise<PairSums> {
  return { model: await fileSum(model, signal), mmproj: await fileSum(mmproj, signal) };
}

/** Of the pair's files, in hex. */
export interface PairSums {
  model: string;
  mmproj: string;
}

/** As they were recorded when the pair was installed; undefined for older ones. */
export function recordedSums({ record: { pair = [] } }: InstalledModel): PairSums | undefined {
  const [model, mmproj] = [pairFiles.model, pairFiles.mmproj].map(
    (name) => pair.find((file) => file.name === name)?.sha256,
  );
  return model !== undefined && mmproj !== undefined ? { model, mmproj } : undefined;
}

/** What a pair is now, beside what was installed. */
export interface Verified {
  model: InstalledModel;
  /** `unknown`: no sums were recorded. */
  state: 'whole' | 'damaged' | 'unknown';
  /** Names of files that are not what was installed. */
  damaged: string[];
}

/** Reads both files and compares them with what was installed. */
export async function verifyModel(model: InstalledModel, signal: AbortSignal): Promise<Verified> {
  const recorded = recordedSums(model);
  if (!recorded) return { model, state: 'unknown', damaged: [] };
  const found = await pairSums(model, signal);
  const damaged = (['model', 'mmproj'] as const)
    .filter((file) => found[file] !== recorded[file])
    .map((file) => pairFiles[file]);
  return { model, state: damaged.length === 0 ? 'whole' : 'damaged', damaged };
}
