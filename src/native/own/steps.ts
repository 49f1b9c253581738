import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import type { BuildStep } from './plan.ts';

export interface StepProgress {
  title: string;
  /** Of the whole, 0 to 1. */
  share: number;
}

interface RunOptions {
  onProgress: (progress: StepProgress) => void;
  signal: AbortSignal;
}

/**
 * Runs programs one after the other, at low priority. A signal ends the one that runs with all that it has started.
 * @throws PixtralError `machine` with the first error that a program tells; the reason of the signal
 */
export async function runSteps(steps: readonly BuildStep[], { onProgress, signal }: RunOptions): Promise<void> {
  let begin = 0;
  for (const { title, program, arguments: given, share } of steps) {
    const from = begin;
    onProgress({ title, share: from });
    await runStep(
      { title, program, given },
      { signal, onShare: (part) => onProgress({ title, share: from + part * (share - from) }) },
    );
    begin = share;
  }
  onProgress({ title: 'compile', share: 1 });
}

const keptText = 200_000;
const low = 10;

/** Messages in English; no repository that whoever started us stood in. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

async function runStep(
  { title, program, given }: { title: string; program: string; given: readonly string[] },
  { signal, onShare }: { signal: AbortSignal; onShare: (share: number) => void },
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(program, given, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32', // a group of its own, which can be ended as a whole
    env: plainEnvironment(),
    windowsHide: true,
  });
  const stop = (): void => endGroup(child);
  signal.addEventListener('abort', stop, { once: true });
  let log = '';
  const hear = (text: string): void => {
    log = (log + text).slice(-keptText);
    const share = shareIn(text);
    if (share !== undefined) onShare(share);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
  try {
    if (child.pid !== undefined) lower(child.pid);
    const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (code === 0) return;
    throw new PixtralError(
      'machine',
      `build: cannot ${title}: ${program} ended with ${by ?? `exit code ${code}`}${errorIn(log)}`,
      {
        hint: 'nothing has changed: the library that came with the packages stays in use',
      },
    );
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof PixtralError) throw thrown;
    throw new PixtralError('machine', `build: cannot ${title}: ${reasonOf(thrown)}`, { cause: thrown });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** `[ 42%]` as make prints it, `[3/20]` as ninja does: the last one. */
export function shareIn(text: string): number | undefined {
  const last = [...text.matchAll(/^\[ *(\d+)(?:%|\/(\d+))\]/gm)].at(-1);
  if (!last) return undefined;
  return Math.min(1, Number(last[1]) / Number(last[2] ?? 100));
}

/** The first error of a compiler, which is the cause of those behind it. */
function errorIn(log: string): string {
  const lines = log.split(/\r?\n/).map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').trim());
  const found =
    lines.find((line) => /\berror\b|fatal|not found|no space/i.test(line)) ?? lines.findLast((line) => line !== '');
  return found === undefined ? '' : `: ${found.slice(0, 300)}`;
}

function lower(pid: number): void {
  try {
    setPriority(pid, low);
  } catch {
    // it has ended, or the system does not let us
  }
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' });
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
