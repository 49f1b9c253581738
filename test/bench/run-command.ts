import { type ChildProcess, spawn } from 'node:child_process';
import { binary } from '../helpers/binary.ts';
import { childrenSeconds } from './processor-seconds.ts';

export const pixtral = [process.execPath, binary];

export interface CommandRun {
  stdout: string;
  stderr: string;
  /** From the start of the process to its end. */
  seconds: number;
  /** Of the processor, its children's included; right while no other command runs. */
  processorSeconds: number;
  /** From the start of the process to the first byte on stdout. */
  firstByteSeconds: number;
}

/** Runs a command to its end. @throws when it does not end with 0 */
export async function runCommand(words: readonly string[], env: Record<string, string> = {}): Promise<CommandRun> {
  const [start, before] = [performance.now(), childrenSeconds()];
  const since = (): number => (performance.now() - start) / 1000;
  const child = spawnTied(words, env);
  const run: CommandRun = { stdout: '', stderr: '', seconds: 0, processorSeconds: 0, firstByteSeconds: 0 };
  child.stdout!.once('data', () => (run.firstByteSeconds = since()));
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (run.stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (run.stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
  run.seconds = since();
  run.processorSeconds = childrenSeconds() - before;
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${run.stderr.slice(-2000)}`);
  return run;
}

/** A child that ends with this process at the latest, and its own children with it. */
export function spawnTied(words: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const [command, ...args] = words;
  const child = spawn(command!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    detached: true, // a group of its own, so that a shell's children can be ended too
  });
  const end = (): void => endGroup(child, 'SIGKILL');
  process.once('exit', end);
  child.once('close', () => process.off('exit', end));
  return child;
}

export function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, signal);
}
