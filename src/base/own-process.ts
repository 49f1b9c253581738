import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';

/** In a thread of its own: while native code is busy or hangs, nothing else runs on the main one. */
const watch = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
  if (process.memoryUsage.rss() > workerData.maxBytes) process.kill(process.pid, workerData.overMemory);
}, 20);`;

/** Ends a process that takes more than it may, and tells that from what others send. Windows has but one way. */
export const overMemory: NodeJS.Signals = process.platform === 'win32' ? 'SIGKILL' : 'SIGUSR2';

/** Forks one of our modules, which calls `endWithParent` first and finds the argument in `process.argv[3]`. */
export function forkOwn(entry: URL, argument: string, options: ForkOptions): ChildProcess {
  const execArgv = entry.pathname.endsWith('.ts') ? process.execArgv : []; // while developing: the loader of TypeScript
  return fork(entry, [String(process.pid), argument], { ...options, execArgv });
}

/** Ends a forked process as soon as its parent is gone or its resident memory exceeds `maxBytes`, whatever it is doing. */
export function endWithParent({ maxBytes }: { maxBytes: number }): void {
  const workerData = { parent: Number(process.argv[2]), maxBytes, overMemory };
  const watcher = new Worker(watch, { eval: true, execArgv: [], workerData });
  watcher.on('error', end);
  watcher.unref(); // only the parent's channel keeps this process alive
  // Ctrl-C reaches every process of a terminal; the parent decides.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
  process.on('disconnect', end);
  if (!process.connected) end(); // the parent ended while this began
}

function end(): void {
  process.kill(process.pid, 'SIGKILL');
}
