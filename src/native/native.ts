import type { Library, Pointer } from './bind.ts';
import type { GpuKind } from './builds.ts';
import type { ggmlPrototypes, precisionPrototype } from './ggml.ts';
import type { LibraryPaths } from './libraries.ts';
import type { llamaPrototypes } from './llama.ts';

/** Rows of weights through ggml's own converters; lengths in elements. */
export type Ggml = Library<typeof ggmlPrototypes & ReturnType<typeof precisionPrototype>> & {
  /** ggml_fp16_to_fp32_row on a worker thread. */
  fp16ToFp32Rows(source: Uint16Array, target: Float32Array, count: number): Promise<void>;
  /** ggml_bf16_to_fp32_row on a worker thread. */
  bf16ToFp32Rows(source: Uint16Array, target: Float32Array, count: number): Promise<void>;
  /** ggml_cpu_fp32_to_fp16 on a worker thread; gives the bytes of ggml_fp32_to_fp16_row. */
  fp32ToFp16Rows(source: Float32Array, target: Uint16Array, count: number): Promise<void>;
  /** ggml_quantize_chunk on a worker thread. Returns the bytes written to `target`. */
  quantizeChunk(
    type: number,
    source: Float32Array,
    target: Uint8Array,
    start: number,
    rows: number,
    perRow: number,
    importance: Float32Array | null,
  ): Promise<number>;
};

/** llama.cpp's libraries, loaded and checked. */
export interface Native {
  readonly ggml: Ggml;
  readonly llama: Library<typeof llamaPrototypes>;
  readonly gpu: GpuKind;
  readonly version: string;
  readonly systemInfo: string;
  readonly libraries: LibraryPaths;
  /** Of a build that was made here: its results can differ from those of others in the last bits. */
  readonly ownBuild: string | undefined;
  /** Address of a symbol, for C callbacks that are C functions. */
  address(symbol: 'ggml_is_empty' | 'ggml_is_scalar'): Pointer;
  /** Calls a `void (*)(backend, int)` found through the registry. */
  callBackendInt(fn: Pointer, backend: Pointer, value: number): void;
  /** Calls a `void (*)(backend, callback, data)` found through the registry. */
  callBackendCallback(fn: Pointer, backend: Pointer, callback: Pointer, userData: Pointer): void;
  /** Calls a `void *(*)(void *)` found through the registry. */
  callPointer(fn: Pointer, argument: Uint8Array | Pointer): Pointer | null;
  /** Calls a `void (*)(void *)` found through the registry. */
  callVoid(fn: Pointer, argument: Pointer): void;
  /** `count` values of a row stored as ggml type `type`. */
  dequantize(type: number, row: Uint8Array, count: number): Float32Array;
  /** Cores that are useful for arithmetic: not hyper-threads, not efficiency cores. */
  readonly mathCores: number;
  /** The last error that llama.cpp logged, for a message that says why. */
  lastError(): string | undefined;
  /** A list of pointers that ends with NULL. */
  readPointers(at: Pointer): Pointer[];
  /** `count` floats in native memory, which are gone when that is: each view costs as much as a call of the collector. */
  viewFloats(at: Pointer, count: number): Float32Array;
  /** Native work goes on that cannot be stopped: `close` then leaves what it uses to the end of the process. */
  abandon(): void;
  close(): Promise<void>;
}
