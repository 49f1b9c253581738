import type { Pointer } from './bind.ts';
import { cpuDevice } from './devices.ts';
import { threadPoolParamsLayout } from './ggml.ts';
import type { Native } from './native.ts';

/** Threads of the CPU that stay between graphs. */
export interface ThreadPool {
  handle: Pointer;
  /** After everything that it is attached to. */
  close(): void;
}

/**
 * Makes a pool of threads to attach to a context. Without one ggml starts threads anew for every graph, which on a
 * busy or virtual machine costs as much as a token of a small model. Undefined where ggml has none to offer.
 */
export function openThreadPool(native: Native, threads: number): ThreadPool | undefined {
  const cpu = cpuDevice(native);
  if (!cpu) return undefined;
  const registry = native.ggml.deviceRegistry(cpu.handle);
  const make = native.ggml.registryProcAddress(registry, 'ggml_threadpool_new');
  const free = native.ggml.registryProcAddress(registry, 'ggml_threadpool_free');
  if (make === null || free === null) return undefined;
  const handle = native.callPointer(make, parametersFor(native, threads));
  return handle === null ? undefined : { handle, close: () => native.callVoid(free, handle) };
}

function parametersFor({ ggml }: Native, threads: number): Uint8Array {
  const { byteLength, poll } = threadPoolParamsLayout;
  const parameters = new Uint8Array(byteLength);
  ggml.threadPoolParamsInit(parameters, threads);
  // Threads that wait for work by looking for it take a core from the sampler and from the next picture.
  new DataView(parameters.buffer).setUint32(poll, 0, true);
  return parameters;
}
