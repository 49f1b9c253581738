import type { Pointer } from './bind.ts';
import type { Device } from './devices.ts';
import type { Handles } from './handles.ts';
import type { Ggml, Native } from './native.ts';

/** For the tensors of a graph of up to `capacity` nodes; their values are allocated elsewhere. */
export function newArena(ggml: Ggml, { handles, capacity }: { handles: Handles; capacity: number }): Pointer {
  const size = ggml.tensorOverhead() * capacity + ggml.graphOverheadCustom(capacity, false);
  return handles.own('an arena for a graph', ggml.init({ mem_size: size, mem_buffer: null, no_alloc: true }), (made) =>
    ggml.free(made),
  );
}

/** Runs graphs of up to `capacity` nodes on the first of the backends; what it cannot compute falls to the next. */
export function openScheduler(
  ggml: Ggml,
  { handles, backends, capacity }: { handles: Handles; backends: readonly Pointer[]; capacity: number },
): Pointer {
  const bufferTypes = backends.map((backend) => ggml.backendBufferType(backend)!);
  return handles.own(
    'a scheduler',
    ggml.schedNew(
      BigUint64Array.from(backends),
      BigUint64Array.from(bufferTypes),
      backends.length,
      capacity,
      false,
      true,
    ),
    (made) => ggml.schedFree(made),
  );
}

/** Of a backend of the CPU. */
export function setThreads(native: Native, { cpu, backend, threads }: CpuThreads): void {
  const set = native.ggml.registryProcAddress(native.ggml.deviceRegistry(cpu.handle), 'ggml_backend_set_n_threads');
  if (set !== null) native.callBackendInt(set, backend, threads);
}

interface CpuThreads {
  cpu: Device;
  backend: Pointer;
  threads: number;
}
