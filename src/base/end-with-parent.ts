import { Worker } from 'node:worker_threads';

/** In a thread of its own: while native code is busy or hangs, nothing else runs on the main one. */
const watch = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  const alone = process.ppid !== workerData.parent;
  if (alone || process.memoryUsage.rss() > workerData.maxBytes) process.kill(process.pid, 'SIGKILL');
}, 20);`;

/** Ends a forked process as soon as its parent is gone or its resident memory exceeds `maxBytes`, whatever it is doing. */
export function endWithParent({ parent, maxBytes }: { parent: number; maxBytes: number }): void {
  const watcher = new Worker(watch, { eval: true, execArgv: [], workerData: { parent, maxBytes } });
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
