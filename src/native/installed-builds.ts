import { lstat, readdir, realpath, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildsFolder } from '../base/builds-folder.ts';
import { systemError } from '../base/files.ts';
import { gpuBackends } from './find-build.ts';
import { ownBuilds } from './own/record.ts';

/** A package of node-llama-cpp: llama.cpp as it was built for one kind of machine. */
export interface InstalledBuild {
  /** `linux-x64-cuda-ext` */
  name: string;
  /** Where its files are: package managers that share them have links to there. */
  folder: string;
  bytes: number;
}

/** What this machine can run. */
export interface BuildNeeds {
  /** As Node names them. */
  platform: string;
  arch: string;
  /** GPUs are reached through these; undefined when none is to be used. */
  backends: readonly string[] | undefined;
}

const systems: Record<string, string> = { linux: 'linux', darwin: 'mac', win32: 'win' };
const processors: Record<string, string> = { x64: 'x64', arm64: 'arm64', arm: 'armv7l', riscv64: 'riscv64' };
const drivers: Record<string, string> = { cuda: 'CUDA', vulkan: 'Vulkan' };

/** Why nobody here needs a package; undefined for one that is needed, or that nobody knows. */
export function needlessness(name: string, { platform, arch, backends }: BuildNeeds): string | undefined {
  const parts = /^(?<system>linux|mac|win)-(?<processor>[a-z0-9]+)(?:-metal|-(?<backend>cuda|vulkan)(?:-ext)?)?$/.exec(
    name,
  );
  const { system, processor = '', backend = '' } = parts?.groups ?? {};
  if (system === undefined) return undefined;
  if (system !== systems[platform]) return 'for another system';
  if (processor !== processors[arch]) return 'for another processor';
  if (backend === '') return undefined;
  if (backends === undefined) return 'for GPUs';
  return backends.includes(backend) ? undefined : `no ${drivers[backend]} here`;
}

/** What this machine can run now. */
export async function buildNeeds({ cpuOnly }: { cpuOnly: boolean }): Promise<BuildNeeds> {
  const { platform, arch } = process;
  return { platform, arch, backends: cpuOnly ? undefined : await gpuBackends({ anew: true }) };
}

/** All that are there, the largest first. */
export async function installedBuilds(packages = packagesFolder()): Promise<InstalledBuild[]> {
  const names = await readdir(packages).catch(() => []);
  const builds = await Promise.all(
    names.map(async (name) => {
      const folder = await realpath(join(packages, name));
      return { name, folder, bytes: await bytesIn(folder) };
    }),
  );
  return builds.sort((one, other) => other.bytes - one.bytes);
}

/** Whether libraries that were built here are loaded by what is in this package. */
export async function isUsedByOwnBuild({ folder }: InstalledBuild): Promise<boolean> {
  const own = await ownBuilds(buildsFolder(process.env)).catch(() => []);
  return own.some(({ record }) => record.addon.startsWith(folder + sep));
}

/** @throws PixtralError `machine` when its files cannot be removed */
export async function removeBuild({ name, folder }: InstalledBuild, packages = packagesFolder()): Promise<void> {
  for (const path of [folder, join(packages, name)]) {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (thrown) {
      throw systemError(path, 'cannot be removed', thrown);
    }
  }
}

function packagesFolder(): string {
  return fileURLToPath(new URL('../../@node-llama-cpp/', import.meta.resolve('node-llama-cpp')));
}

async function bytesIn(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const found = await Promise.all(files.map((file) => lstat(join(folder, file))));
  return found.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}
