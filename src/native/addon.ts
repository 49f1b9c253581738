import { createRequire } from 'node:module';
import { normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Build, LoadedBuild, LogLevel } from './builds.ts';
import type { UsableBuild } from './own/usable.ts';

type OnLog = (level: LogLevel, line: string) => void;

/** What node-llama-cpp's own Llama.js calls to start; the exact version in package.json has it so. */
interface Addon {
  markLoaded(): boolean;
  /** Safe from any thread of llama.cpp. A line can come in pieces. */
  setLogger(logger: (level: number, piece: string) => void): void;
  setLoggerLogLevel(level: number): void;
  loadBackends(folder?: string): void;
  getGpuType(): 'cuda' | 'vulkan' | 'metal' | false | undefined;
  ensureGpuDeviceIsSupported(): void;
  getMathCores(): number;
  systemInfo(): string;
  init(): Promise<void>;
  dispose(): Promise<void>;
}

const info = 4;
const levels: readonly LogLevel[] = ['error', 'error', 'error', 'warn', 'info'];

/**
 * Loads a build that is known to run here: a twentieth of a second, where `getLlama` takes one to find it.
 * @throws Error when it is no longer there or another one
 */
export async function openAddon(build: Build, onLog: OnLog): Promise<LoadedBuild> {
  for (const path of [build.addon, build.backends]) requireInstalled(path);
  return load(build, onLog);
}

/** The same with backends that were built here and have been looked at. */
export async function openOwnBackends(build: UsableBuild, onLog: OnLog): Promise<LoadedBuild> {
  requireInstalled(build.addon);
  return load(build, onLog);
}

async function load(build: Build, onLog: OnLog): Promise<LoadedBuild> {
  const addon = createRequire(import.meta.url)(build.addon) as Addon;
  addon.markLoaded();
  addon.setLogger(byLines(onLog));
  addon.setLoggerLogLevel(info);
  addon.loadBackends();
  if (!addon.getGpuType()) addon.loadBackends(build.backends);
  const gpu = addon.getGpuType() || 'cpu';
  if (gpu !== build.gpu) throw new Error(`${build.addon}: runs on ${gpu}, expected ${build.gpu}`);
  addon.ensureGpuDeviceIsSupported();
  await addon.init();
  const [mathCores, systemInfo] = [Math.floor(addon.getMathCores()), addon.systemInfo()];
  return { gpu, mathCores, systemInfo, dispose: () => addon.dispose() };
}

/** What is kept in a folder that others may write to must not choose the code that we run. */
function requireInstalled(path: string): void {
  const [root] = fileURLToPath(import.meta.resolve('node-llama-cpp')).split(`${sep}node_modules${sep}`);
  if (normalize(path).startsWith(`${root}${sep}node_modules${sep}`)) return;
  throw new Error(`${path}: not of this installation`);
}

function byLines(onLog: OnLog): (level: number, piece: string) => void {
  let rest = '';
  return (level, piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLog(levels[level] ?? 'info', line.trimEnd());
  };
}
