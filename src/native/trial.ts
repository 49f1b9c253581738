import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { entryUrl } from '../base/place.ts';
import { reasonOf } from '../base/errors.ts';
import { forkOwn } from '../base/own-process.ts';
import type { GpuKind } from './builds.ts';

/**
 * What a trial of a backend has shown. `no-build`: nothing to reach it with runs here; `no-device`: it has none;
 * `fails`: it has one that cannot be relied on.
 */
export type Verdict =
  | { verdict: 'works'; devices: readonly string[] }
  | {
      verdict: 'fails' | 'no-build' | 'no-device';
      finding: string;
      /** Its process was ended by something else, which says nothing about the next trial. */
      isKilled?: boolean;
    };

export interface TrialOptions {
  /** What is forked: trial-entry.ts. */
  entry: URL;
  /** For everything, from the start of the process. */
  milliseconds: number;
}

/** A driver that compiles its shaders for the first time takes several seconds, a sound one otherwise two. */
export const trialOptions: TrialOptions = {
  entry: entryUrl('native/trial-entry'),
  milliseconds: 30_000,
};

/**
 * Computes a little on a backend's devices, in a process of its own: a driver that does not know the library's kernels,
 * or is broken, ends the process (ggml aborts), hangs, or computes something else, which only a trial can tell.
 * @throws the reason of the signal
 */
export async function tryBackend(gpu: GpuKind, options: ApartOptions): Promise<Verdict> {
  const { told, finding, by } = await apart<Verdict>(gpu, options);
  return told ?? { verdict: 'fails', finding, ...(by === 'SIGKILL' && { isKilled: true }) };
}

export interface ApartOptions extends TrialOptions {
  signal: AbortSignal | undefined;
  /** Where builds made here are looked for, in place of the user's folder. */
  builds?: string;
}

/** What a process of its own told before it ended as it should, or how it ended instead. */
export type Told<T> = { told: T; finding?: never; by?: never } | { told?: never; finding: string; by?: NodeJS.Signals };

/**
 * Has an entry do what may end its process.
 * @throws the reason of the signal
 */
export async function apart<T>(
  argument: string,
  { entry, milliseconds, signal, builds }: ApartOptions,
): Promise<Told<T>> {
  signal?.throwIfAborted();
  const child = forkOwn(entry, argument, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A backtrace would start a debugger.
    env: { ...process.env, GGML_NO_BACKTRACE: '1', ...(builds !== undefined && { PIXTRAL_BUILDS: builds }) },
  });
  const timeout = AbortSignal.timeout(milliseconds);
  try {
    return await endOf<T>(child, signal ? AbortSignal.any([signal, timeout]) : timeout);
  } catch (thrown) {
    signal?.throwIfAborted();
    return {
      finding: timeout.aborted ? `its trial has not ended after ${milliseconds / 1000} seconds` : reasonOf(thrown),
    };
  } finally {
    letGo(child);
  }
}

/** What it told, if it lives to tell and then ends as it should. */
async function endOf<T>(child: ChildProcess, signal: AbortSignal): Promise<Told<T>> {
  let told: { told: T } | undefined;
  let log = '';
  child.on('message', (message) => (told = { told: message as T }));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (log.length < 1e6) log += text;
  });
  const [code, by] = (await once(child, 'close', { signal })) as [number | null, NodeJS.Signals | null];
  if (told && code === 0) return told;
  return { finding: `its trial ended with ${by ?? `exit code ${code}`}${errorIn(log)}`, ...(by && { by }) };
}

/** The first error of a log, which is the cause of those behind it. */
function errorIn(log: string): string {
  const lines = log.split(/\r?\n/).map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').trim());
  const found = lines.find((line) => /error|fail|abort/i.test(line));
  return found === undefined ? '' : `: ${found.slice(0, 200)}`;
}

/** Also of one that even a kill does not end, because a driver holds it. */
function letGo(child: ChildProcess): void {
  child.on('error', () => {});
  child.kill('SIGKILL');
  child.stderr?.destroy();
  if (child.connected) child.disconnect();
  child.unref();
}
