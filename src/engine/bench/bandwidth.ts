import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Larger than any cache. */
const bytesPerThread = 128 * 2 ** 20;

/** Copies between two halves for a while, and tells how many bytes it has read and written, and in what time. */
const copier = `
const { parentPort, workerData: { half, milliseconds } } = require('node:worker_threads');
const [from, to] = [new Uint8Array(half).fill(1), new Uint8Array(half).fill(2)];
const start = performance.now();
let bytes = 0;
while (performance.now() - start < milliseconds) {
  to.set(from);
  bytes += 2 * half;
}
parentPort.postMessage({ bytes, milliseconds: performance.now() - start });`;

/** Bytes a second that so many threads read and write together when all they do is copy. */
export async function memoryBandwidth(
  threads: number,
  { milliseconds, signal }: { milliseconds: number; signal: AbortSignal },
): Promise<number> {
  const workerData = { half: bytesPerThread / 2, milliseconds };
  const workers = Array.from({ length: threads }, () => new Worker(copier, { eval: true, execArgv: [], workerData }));
  try {
    const told = await Promise.all(
      workers.map(async (worker) => {
        const [{ bytes, milliseconds: took }] = (await once(worker, 'message', { signal })) as [Copied];
        return (bytes / took) * 1000;
      }),
    );
    return told.reduce((sum, rate) => sum + rate, 0);
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

interface Copied {
  bytes: number;
  milliseconds: number;
}
