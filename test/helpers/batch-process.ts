import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));
/** A developer's own server must not answer for a test. */
const env = { ...process.env, PIXTRAL_SERVER: 'off' };

/** `pixtral batch` in a process of its own, from the sources. */
export function spawnBatch(words: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', script, 'batch', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
}

/** The same, to be fed line by line. */
export function spawnFedBatch(words: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(process.execPath, ['--import', 'tsx', script, 'batch', ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
  });
}

/** Waits until a file holds so many bytes, or its writer has ended. */
export function untilBytes(child: ChildProcess, { path, bytes }: { path: string; bytes: number }): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearInterval(timer);
      resolve();
    };
    const timer = setInterval(() => lengthOf(path) >= bytes && done(), 2);
    child.once('exit', done);
  });
}

export function lengthOf(path: string): number {
  try {
    return readFileSync(path).byteLength;
  } catch {
    return 0; // not there yet
  }
}

export interface BatchAnswer {
  id: string;
  text: string;
}

/** What a file of lines says, each of which must be whole. */
export function answersIn(path: string): BatchAnswer[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error(`${path}: its last line is not whole`);
  return lines.map((line) => {
    const { id, text } = JSON.parse(line) as BatchAnswer;
    return { id, text };
  });
}
