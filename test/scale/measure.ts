import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One finished command. */
export interface Measured {
  exitCode: number | null;
  stdout: string;
  seconds: number;
  /** Highest resident set in bytes, pages of mapped files included. */
  peakResident: number;
  /** Highest resident set without pages of mapped files. */
  peakAnonymous: number;
}

/** Runs `pixtral` with arguments and watches its memory through /proc (Linux). */
export async function measurePixtral(args: readonly string[]): Promise<Measured> {
  const binary = fileURLToPath(new URL('../../bin/pixtral.cjs', import.meta.url));
  const start = performance.now();
  const child = spawn(process.execPath, [binary, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const peaks = watchMemory(child);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stdout, seconds: (performance.now() - start) / 1000, ...peaks() };
}

function watchMemory(child: ChildProcess): () => { peakResident: number; peakAnonymous: number } {
  let peakResident = 0;
  let peakAnonymous = 0;
  const timer = setInterval(() => {
    const status = readStatus(child.pid);
    peakResident = Math.max(peakResident, status('VmHWM'));
    peakAnonymous = Math.max(peakAnonymous, status('RssAnon'));
  }, 50);
  return () => {
    clearInterval(timer);
    return { peakResident, peakAnonymous };
  };
}

function readStatus(pid: number | undefined): (field: string) => number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return () => 0;
  }
}
