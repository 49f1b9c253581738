import { openAddon } from './addon.ts';
import { bindRuntime } from './bind-runtime.ts';
import type { BuildChoice, LogLevel } from './builds.ts';
import { findBuild } from './find-build.ts';
import { knownBuild } from './known-build.ts';
import type { Native } from './native.ts';

export interface NativeOptions {
  gpu: BuildChoice;
  /** Finds anew which build runs here, whatever was found before. */
  anew?: boolean;
  onLog: (level: LogLevel, text: string) => void;
}

/**
 * Loads a build of llama.cpp (node-llama-cpp knows where it is and whether it runs here) and binds the C API on it.
 * @throws PixtralError `machine` when no build fits, the version differs or a symbol is missing
 */
export async function openNative({ gpu, anew = false, onLog }: NativeOptions): Promise<Native> {
  let lastError: string | undefined;
  const log: NativeOptions['onLog'] = (level, text) => {
    if (level === 'error') lastError = text;
    onLog(level, text);
  };
  const build = anew ? undefined : await knownBuild(gpu);
  const loaded = (build && (await openAddon(build, log).catch(() => undefined))) ?? (await findBuild(gpu, log));
  try {
    return await bindRuntime(loaded, () => lastError);
  } catch (thrown) {
    await loaded.dispose();
    throw thrown;
  }
}
