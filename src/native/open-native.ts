import { dirname } from 'node:path';
import { realpath } from 'node:fs/promises';
import { reasonOf } from '../base/errors.ts';
import { openAddon, openOwnBackends } from './addon.ts';
import { bindRuntime } from './bind-runtime.ts';
import type { BuildChoice, LoadedBuild, LogLevel } from './builds.ts';
import { findBuild } from './find-build.ts';
import { knownBuild } from './known-build.ts';
import type { Native } from './native.ts';
import { type UsableBuild, usableBuild } from './own/usable.ts';

export interface NativeOptions {
  gpu: BuildChoice;
  /** Finds anew which build runs here, whatever was found before. */
  anew?: boolean;
  /** What came with the packages, whatever was built here. */
  prebuilt?: boolean;
  onLog: (level: LogLevel, text: string) => void;
}

/**
 * Loads a build of llama.cpp (one that was made here, else node-llama-cpp knows where one is and whether it runs here)
 * and binds the C API on it.
 * @throws PixtralError `machine` when no build fits, the version differs or a symbol is missing
 */
export async function openNative({ gpu, anew = false, prebuilt = false, onLog }: NativeOptions): Promise<Native> {
  let lastError: string | undefined;
  const log: NativeOptions['onLog'] = (level, text) => {
    if (level === 'error') lastError = text;
    onLog(level, text);
  };
  const own = prebuilt ? undefined : await usableBuild(gpu);
  const opened = own && (await openOwn(own, log, () => lastError));
  if (opened) return opened;
  const build = anew ? undefined : await knownBuild(gpu);
  const loaded = (build && (await openAddon(build, log).catch(() => undefined))) ?? (await findBuild(gpu, log));
  return bound(loaded, { mark: undefined, lastError: () => lastError });
}

/** Undefined where it does not load: the prebuilt one does instead. */
async function openOwn(
  own: UsableBuild,
  log: NativeOptions['onLog'],
  lastError: Native['lastError'],
): Promise<Native | undefined> {
  try {
    const native = await bound(await openOwnBackends(own, log), { mark: own.mark, lastError });
    const { ggmlCpu = '' } = native.libraries;
    // The registry passes over a library whose instructions this processor does not have.
    if (dirname(await realpath(ggmlCpu)) === (await realpath(own.backends))) return native;
    await native.close();
    log('warn', `${own.backends}: was not loaded`);
  } catch (thrown) {
    log('warn', `${own.backends}: ${reasonOf(thrown)}`);
  }
  return undefined;
}

async function bound(
  loaded: LoadedBuild,
  { mark, lastError }: { mark: string | undefined; lastError: Native['lastError'] },
): Promise<Native> {
  try {
    return { ...(await bindRuntime(loaded, lastError)), ownBuild: mark };
  } catch (thrown) {
    await loaded.dispose();
    throw thrown;
  }
}
