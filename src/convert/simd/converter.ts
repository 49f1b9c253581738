import { Worker } from 'node:worker_threads';
import { type KernelName, simdModule } from './kernels.ts';

/** Bytes of the converter's memory for one slice after the other. */
export interface SimdBuffers {
  read: Uint8Array;
  target: Uint8Array;
}

/** Threads that turn bf16 into q8_0, and numbers of 8 bits into that and floats, in a memory that they share with whoever reads and writes files. */
export interface SimdConverter {
  /** One for each slice that may be in work. */
  buffers: readonly SimdBuffers[];
  /**
   * @param byteLength of whole blocks at the start of the buffers' `read`; the result is in `target`
   * @returns the largest magnitude, as bf16
   */
  quantize(buffers: SimdBuffers, byteLength: number): Promise<number>;
  /**
   * The same for numbers of 8 bits that are multiplied by a scale.
   * @returns the largest magnitude, as a number of 8 bits without its sign
   */
  scale(buffers: SimdBuffers, job: { to: Float8Target; byteLength: number; scale: number }): Promise<number>;
  close(): Promise<void>;
}

/** What numbers of 8 bits become, by which kernel. */
const float8Kernels = {
  q8_0: 'float8ToQ8',
  bf16: 'float8ToBf16',
  f16: 'float8ToF16',
  f32: 'float8ToF32',
} as const satisfies Record<string, KernelName>;
export type Float8Target = keyof typeof float8Kernels;
export const float8Targets = Object.keys(float8Kernels) as Float8Target[];

interface Sizes {
  slots: number;
  threads: number;
  readBytes: number;
  targetBytes: number;
}

/** Node has it, and its types for version 20 do not. */
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number; shared: true }) => { buffer: SharedArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
};

const pageBytes = 65_536;
/** Vectors are read faster where they lie at a multiple of a cache line. */
const alignment = 64;
const peakBytes = 16;

/** Does what it is told in a thread of its own; the module is compiled once for all. */
const worker = `
const { parentPort, workerData: { module, memory } } = require('node:worker_threads');
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports;
parentPort.on('message', ({ job, kernel, parameters }) => {
  kernels[kernel](...parameters);
  parentPort.postMessage(job);
});`;

export function openSimdConverter({ slots, threads, readBytes, targetBytes }: Sizes): SimdConverter {
  const [readLength, targetLength] = [aligned(readBytes), aligned(targetBytes)];
  const slotBytes = readLength + targetLength + alignment;
  const pages = Math.ceil((slots * slotBytes) / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const module = new WebAssembly.Module(simdModule({ initial: pages, maximum: pages }));
  const workers = Array.from({ length: threads }, () => workerThread({ module, memory }));
  const buffers = Array.from({ length: slots }, (_, slot): SimdBuffers => {
    const at = slot * slotBytes;
    return {
      read: new Uint8Array(memory.buffer, at, readBytes),
      target: new Uint8Array(memory.buffer, at + readLength, targetBytes),
    };
  });
  return {
    buffers,
    async quantize(slot, byteLength) {
      const peak = await runKernel('bf16ToQ8', { slot, byteLength, more: [] });
      return Math.max(...new Int16Array(memory.buffer, peak, peakBytes / 2));
    },
    async scale(slot, { to, byteLength, scale }) {
      const peak = await runKernel(float8Kernels[to], { slot, byteLength, more: [scale] });
      return Math.max(...new Uint8Array(memory.buffer, peak, peakBytes));
    },
    close: async () => void (await Promise.all(workers.map(({ end }) => end()))),
  };

  /** @returns the address of the peak */
  async function runKernel(
    kernel: KernelName,
    { slot, byteLength, more }: { slot: SimdBuffers; byteLength: number; more: readonly number[] },
  ): Promise<number> {
    const [source, target] = [slot.read.byteOffset, slot.target.byteOffset];
    const peak = target + targetLength;
    const least = workers.reduce((one, other) => (other.waiting() < one.waiting() ? other : one));
    await least.run(kernel, [source, source + byteLength, target, peak, ...more]);
    return peak;
  }
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / alignment) * alignment;
}

interface Job {
  done: () => void;
  failed: (reason: unknown) => void;
}

function workerThread(workerData: { module: object; memory: object }) {
  const jobs = new Map<number, Job>();
  const thread = new Worker(worker, { eval: true, execArgv: [], workerData });
  let count = 0;
  let failure: unknown;
  thread.on('message', (job: number) => {
    jobs.get(job)?.done();
    jobs.delete(job);
  });
  thread.on('error', (reason) => {
    failure = reason;
    for (const { failed } of jobs.values()) failed(reason);
    jobs.clear();
  });
  return {
    waiting: () => jobs.size,
    run: (kernel: KernelName, parameters: readonly number[]) =>
      new Promise<void>((done, failed) => {
        jobs.set(++count, { done, failed });
        if (failure === undefined) thread.postMessage({ job: count, kernel, parameters }, []);
        else failed(failure);
      }),
    end: () => thread.terminate(),
  };
}
