import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileSum } from '../../base/file-sum.ts';
import { systemError } from '../../base/files.ts';
import { defaultMmprojType } from '../../convert/types.ts';
import { chooseFiles } from '../../hub/choose-files.ts';
import type { Snapshot } from '../../hub/hub-cache.ts';
import type { Remote } from '../../hub/remote.ts';
import { type FileRecord, type InstalledModel, type ModelRecord, pairFiles } from '../../store/models.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { convertCheckpoint, planCheckpoint } from '../convert.ts';
import { bestType } from './best-type.ts';
import { saysFull } from './disk-space.ts';
import { installedAs, modelName } from './model-name.ts';
import type { PullOptions, Pulled, PullWork } from './options.ts';
import { pullCheckpoint } from './pull-checkpoint.ts';
import type { MadePair } from './stream-pair.ts';
import { pullPair, readyModel } from './pull-pair.ts';
import { alone } from './work-lock.ts';

/**
 * Weights from elsewhere as an installed GGUF pair: a checkpoint is converted while it comes, a ready pair is fetched as
 * it is. The pair gets its name when everything is there and every sum is right; what a run leaves, the next goes on with.
 * @throws PixtralError `model` for what is not there, may not be read or is not what was published; `machine` for the
 * network and the disk; `usage` for a name that another model has
 */
export async function pull(remote: Remote, options: PullOptions): Promise<Pulled> {
  const work = join(options.store, '.pull', `${remote.name}-${remote.revision.slice(0, 12)}`);
  return inWork(work, options, async () => {
    const choice = chooseFiles(remote.files, {
      label: remote.label,
      chooseModel: (models) => readyModel(models, options),
    });
    const pulling: PullWork = { remote, options, work };
    const made = choice.kind === 'pair' ? await pullPair(choice, pulling) : await pullCheckpoint(choice, pulling);
    const kept = await remote.keepAll?.((doneBytes, totalBytes) =>
      options.onProgress({ stage: 'keep', tensor: remote.label, doneBytes, totalBytes, skippedBytes: 0 }),
    );
    if (made.kind === 'installed') return { ...installedBefore(made.model), kept };
    const { folder, model, mmproj } = await install(made, {
      source: remote.source,
      revision: remote.revision,
      work,
      options,
    });
    return {
      name: made.name,
      folder,
      model,
      mmproj,
      type: made.type,
      bytes: made.bytes,
      fetchedBytes: remote.fetchedBytes(),
      resumedBytes: made.resumedBytes,
      from: remote.fetchedBytes() > 0 ? 'network' : 'cache',
      kept,
      notes: made.notes,
    };
  });
}

/** One pull of these files at a time; a full disk is told as one who pulls can act on it. */
function inWork<T>(work: string, options: PullOptions, use: () => Promise<T>): Promise<T> {
  return saysFull(options.store, () => alone(work, options, use));
}

function installedBefore({ name, folder, model, mmproj, bytes, record: { type } }: InstalledModel): Pulled {
  return {
    name,
    folder,
    model,
    mmproj,
    type,
    bytes,
    fetchedBytes: 0,
    resumedBytes: 0,
    from: 'installed',
    kept: undefined,
    notes: [],
  };
}

/** Gives a pair its name, with the record of where it came from. */
async function install(
  made: MadePair,
  { source, revision, work, options }: { source: string; revision: string; work: string; options: PullOptions },
): Promise<{ folder: string; model: string; mmproj: string }> {
  const record: ModelRecord = {
    version: 1,
    source,
    revision,
    type: made.type,
    mmprojType: made.mmprojType,
    original: made.original,
    pair: made.pair,
    pulled: new Date().toISOString(),
    pulledBy: options.convertedBy,
  };
  const folder = join(options.store, made.name);
  try {
    await writeFile(join(made.folder, pairFiles.record), `${JSON.stringify(record, undefined, 2)}\n`);
    if (options.force) await replaceFolder(folder, `${work}.old`);
    await rename(made.folder, folder);
    for (const path of made.spent) await rm(path, { force: true });
  } catch (cause) {
    throw systemError(folder, 'cannot write', cause);
  }
  await removeUsed(work);
  return { folder, model: join(folder, pairFiles.model), mmproj: join(folder, pairFiles.mmproj) };
}

async function replaceFolder(folder: string, aside: string): Promise<void> {
  await rm(aside, { recursive: true, force: true });
  await rename(folder, aside).catch(() => undefined); // there may be none
  await rm(aside, { recursive: true, force: true });
}

/** What other pulls of the same revision have begun stays. */
async function removeUsed(work: string): Promise<void> {
  await rmdir(work).catch(async () => {
    const names = await readdir(work).catch(() => []);
    if (names.every((name) => name === 'source')) await rm(work, { recursive: true, force: true });
  });
}

/**
 * As `pull`, of a snapshot in the Hub's cache: converted from disk, without the network.
 * @returns undefined when the snapshot lacks what a conversion needs
 */
export async function pullSnapshot(
  snapshot: Snapshot,
  { source, name, options }: { source: string; name: string; options: PullOptions },
): Promise<Pulled | undefined> {
  const { revision, folder: from } = snapshot;
  const work = join(options.store, '.pull', `${name}-${revision.slice(0, 12)}`);
  const whole = await openCheckpoint(from).catch(() => undefined);
  if (!whole) return undefined;
  return inWork(work, options, async () => {
    const type = options.type ?? (await snapshotType(from, options));
    const mmprojType = options.mmprojType ?? defaultMmprojType(type);
    const own = modelName(name, { type, name: options.name });
    const installed = await installedAs(own, { revision, type, mmprojType, options });
    if (installed) return installedBefore(installed);
    const out = join(work, own);
    const planning = { out, type, mmprojType, overrides: options.overrides, imatrix: options.imatrix, name };
    await mkdir(work, { recursive: true });
    const done = await convertCheckpoint(from, {
      ...planning,
      sourceUrl: options.sourceUrl,
      convertedBy: options.convertedBy,
      force: true,
      check: false,
      signal: options.signal,
      onProgress: (at) => options.onProgress({ ...at, stage: 'write' }),
    });
    const original = snapshot.files.map(({ path, byteLength }) => ({
      name: path,
      bytes: byteLength,
      sha256: undefined,
    }));
    const pair = await recordsOf(done, options.signal);
    const made = {
      name: own,
      folder: out,
      type,
      mmprojType,
      bytes: done.bytes,
    };
    const installedAt = await install(
      { kind: 'made', ...made, spent: [], resumedBytes: done.resumedBytes, original, pair, notes: done.notes },
      { source, revision, work, options },
    );
    return {
      ...made,
      ...installedAt,
      fetchedBytes: 0,
      resumedBytes: done.resumedBytes,
      from: 'cache',
      kept: undefined,
      notes: done.notes,
    };
  });
}

async function recordsOf(files: { model: string; mmproj: string }, signal: AbortSignal): Promise<FileRecord[]> {
  return Promise.all(
    [files.model, files.mmproj].map(async (path) => ({
      name: basename(path),
      bytes: (await stat(path)).size,
      sha256: await fileSum(path, signal),
    })),
  );
}

async function snapshotType(folder: string, options: PullOptions) {
  const { type, reason } = await bestType(async (type) => {
    const planning = {
      out: '',
      type,
      mmprojType: options.mmprojType ?? defaultMmprojType(type),
      overrides: options.overrides,
    };
    const plan = await planCheckpoint(folder, {
      ...planning,
      imatrix: options.imatrix,
      sourceUrl: undefined,
      convertedBy: '',
    });
    return plan.byteLength;
  }, options.memoryBytes);
  options.onNote(reason);
  return type;
}
