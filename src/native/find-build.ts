import { basename, dirname } from 'node:path';
import { format } from 'node:util';
import { PixtralError, reasonOf } from '../base/errors.ts';
import type { Build, BuildChoice, GpuBackend, GpuKind, LoadedBuild, LogLevel } from './builds.ts';
import { keepBackends, keepBuild, knownBackends } from './known-build.ts';
import { loadedLibraries } from './libraries.ts';

/** Those whose drivers and libraries seem to be on this machine, the best first. None is loaded to find out. */
export async function gpuBackends({ anew }: { anew: boolean }): Promise<GpuBackend[]> {
  const known = anew ? undefined : await knownBackends();
  if (known) return known;
  const { getLlamaGpuTypes } = await import('node-llama-cpp');
  const found = (await getLlamaGpuTypes('supported')).filter((gpu) => gpu !== false);
  await keepBackends(found);
  return found;
}

/** What node-llama-cpp finds is kept for the next time. */
export async function findBuild(
  gpu: BuildChoice,
  onLog: (level: LogLevel, text: string) => void,
): Promise<LoadedBuild> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  try {
    const llama = await withConsoleTo(onLog, () =>
      getLlama({
        gpu: gpu === 'off' ? false : gpu,
        build: 'never',
        skipDownload: true,
        progressLogs: false,
        logLevel: LlamaLogLevel.info,
        logger: (level, text) => {
          const known: LogLevel =
            level === LlamaLogLevel.error || level === LlamaLogLevel.fatal
              ? 'error'
              : level === LlamaLogLevel.warn
                ? 'warn'
                : 'info';
          onLog(known, text.trimEnd());
        },
      }),
    );
    const found = llama.gpu === false ? 'cpu' : llama.gpu;
    const build = loadedBuild(found);
    if (build) await keepBuild(gpu, build);
    const { cpuMathCores: mathCores, systemInfo } = llama;
    return { gpu: found, mathCores, systemInfo, dispose: () => llama.dispose() };
  } catch (cause) {
    if (hasOtherLibc(process)) {
      throw new PixtralError(
        'machine',
        'llama.cpp: has no build for this system without glibc (musl), expected glibc',
        {
          hint: 'use an image or a container with glibc (Debian, Ubuntu, Fedora); another machine can be asked with --server',
          cause,
        },
      );
    }
    throw new PixtralError('machine', `llama.cpp: no build runs here with --gpu ${gpu}: ${reasonOf(cause)}`, {
      hint:
        gpu === 'off'
          ? 'reinstall the packages (npm install)'
          : 'try --gpu auto or --gpu off; pixtral doctor shows the devices',
      cause,
    });
  }
}

/**
 * node-llama-cpp writes past the logger that it is given, for example a trace when Ctrl-C has ended its trial of a build.
 * What it does not mend by itself it throws: these are warnings.
 */
export async function withConsoleTo<T>(
  onLog: (level: LogLevel, text: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const { error, warn } = console;
  const log = (...parts: unknown[]): void => onLog('warn', format(...parts));
  Object.assign(console, { error: log, warn: log });
  try {
    return await work();
  } finally {
    Object.assign(console, { error, warn });
  }
}

/** Linux as Alpine has it: Node's report tells what C library Node itself was built for. */
export function hasOtherLibc({ platform, report }: Pick<NodeJS.Process, 'platform' | 'report'>): boolean {
  if (platform !== 'linux') return false;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

/** The build that was loaded last, if it can be opened without node-llama-cpp. */
export function loadedBuild(gpu: GpuKind): Build | undefined {
  // On a Mac it needs no process to try, and sets Metal up in a way of its own.
  if (gpu === 'metal') return undefined;
  const libraries = loadedLibraries();
  const last = (name: RegExp): string | undefined => libraries.findLast((path) => name.test(basename(path)));
  const [addon, backend] = [last(/^llama-addon\.node$/), last(new RegExp(`ggml-${gpu}\\b`))];
  // A backend that is compiled into another library has no folder.
  return addon === undefined || backend === undefined ? undefined : { gpu, addon, backends: dirname(backend) };
}
