import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildsFolder } from '../../base/builds-folder.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Build, BuildChoice, GpuKind } from '../builds.ts';
import { packageVersion, traceOf } from '../circumstances.ts';
import { machineMark } from './machine.ts';
import { type BuildTarget, type OwnBuild, ownBuilds } from './record.ts';

/** Libraries that were built on this machine for this installation, to be loaded in place of the prebuilt ones. */
export interface UsableBuild extends Build {
  /** Tells its results from those of other builds. */
  mark: string;
}

const targets: Partial<Record<BuildChoice, BuildTarget>> = { off: 'cpu', cuda: 'cuda', vulkan: 'vulkan' };
const kinds: Record<BuildTarget, GpuKind> = { cpu: 'cpu', cuda: 'cuda', vulkan: 'vulkan' };

/** The newest one that fits a choice, if there is any. */
export async function usableBuild(choice: BuildChoice): Promise<UsableBuild | undefined> {
  const builds = await ownBuilds(buildsFolder(process.env)).catch(() => []);
  for (const build of builds.filter(({ record }) => record.target === targets[choice])) {
    if ((await unfitness(build)) !== undefined) continue;
    const { name, folder, record } = build;
    return { gpu: kinds[record.target], addon: record.addon, backends: folder, mark: `${name} ${record.made}` };
  }
  return undefined;
}

/** Why a build is not used here; undefined for one that is. */
export async function unfitness({ folder, record }: OwnBuild): Promise<string | undefined> {
  if (record.platform !== `${process.platform}-${process.arch}`) return `is for ${record.platform}`;
  if (record.runtime !== (await packageVersion())) return `is for node-llama-cpp ${record.runtime}`;
  if (record.machine !== (await machineMark())) return `is for another processor (${record.machine})`;
  if (record.addonTrace !== (await traceOf(record.addon))) return 'is for another installation of pixtral';
  return strangersOf(folder, record.files);
}

/** Names and times of builds: what is kept about backends depends on them. */
export async function ownBuildTraces(): Promise<string[]> {
  const builds = await ownBuilds(buildsFolder(process.env)).catch(() => []);
  return builds.map(({ name, record }) => `${name} ${record.made}`);
}

const writableByOthers = 0o022;

/** Code that others could have put there is not loaded. */
async function strangersOf(folder: string, files: readonly string[]): Promise<string | undefined> {
  for (const path of [folder, ...files.map((file) => join(folder, file))]) {
    try {
      const { uid, mode } = await stat(path);
      if (process.getuid === undefined) continue; // Windows: the folder of the user's profile is closed to others
      if (uid !== process.getuid() && uid !== 0) return `${path} belongs to another user`;
      if ((mode & writableByOthers) !== 0) return `${path} can be written by others`;
    } catch (thrown) {
      return reasonOf(thrown);
    }
  }
  return undefined;
}
