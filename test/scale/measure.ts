import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { binary } from '../helpers/binary.ts';

/** One finished command. */
export interface Measured {
  exitCode: number | null;
  stdout: string;
  seconds: number;
  /** Of all its threads, in user and system mode. */
  processorSeconds: number;
  /** Highest resident set in bytes, pages of mapped files included. */
  peakResident: number;
  /** Highest resident set without pages of mapped files. */
  peakAnonymous: number;
  /** Bytes that were handed to write calls. */
  writtenBytes: number;
}

/** Runs `pixtral` with arguments and kills it (SIGKILL) after some seconds. Returns whether it still ran then. */
export async function killPixtral(args: readonly string[], afterSeconds: number): Promise<boolean> {
  const child = spawn(process.execPath, [binary, ...args], { stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), afterSeconds * 1000);
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  return child.signalCode === 'SIGKILL';
}

/** Runs `pixtral` with arguments and watches its memory through /proc (Linux). What it says on stderr is not shown. */
export async function measurePixtral(args: readonly string[]): Promise<Measured> {
  const start = performance.now();
  const child = spawn(process.execPath, [binary, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)));
  const peaks = watchProcess(child);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (exitCode !== 0) process.stderr.write(stderr);
  return { exitCode, stdout, seconds: (performance.now() - start) / 1000, ...peaks() };
}

type Watched = Pick<Measured, 'processorSeconds' | 'peakResident' | 'peakAnonymous' | 'writtenBytes'>;

function watchProcess(child: ChildProcess): () => Watched {
  const seen: Watched = { processorSeconds: 0, peakResident: 0, peakAnonymous: 0, writtenBytes: 0 };
  const timer = setInterval(() => {
    const status = readFields(`/proc/${child.pid}/status`);
    seen.peakResident = Math.max(seen.peakResident, status('VmHWM') * 1024);
    seen.peakAnonymous = Math.max(seen.peakAnonymous, status('RssAnon') * 1024);
    seen.processorSeconds = Math.max(seen.processorSeconds, processorSecondsOf(child.pid));
    seen.writtenBytes = Math.max(seen.writtenBytes, readFields(`/proc/${child.pid}/io`)('wchar'));
  }, 50);
  return () => {
    clearInterval(timer);
    return seen;
  };
}

/** What a process has used so far; 0 once it is gone. */
export function processorSecondsOf(pid: number | undefined): number {
  const fields = textOf(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? []; // what stands before may hold spaces
  const ticksPerSecond = 100;
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

/** Numbers of lines `name: 123 kB`; 0 once the process is gone. */
function readFields(path: string): (field: string) => number {
  const text = textOf(path);
  return (field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended between two looks
  }
}
