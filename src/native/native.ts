import { basename, dirname } from 'node:path';
import type Koffi_ from 'koffi';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { type Build, type LoadedBuild, openAddon } from './addon.ts';
import { type Library, type Pointer, bind, callAsync } from './bind.ts';
import { ggmlCpuPrototypes, ggmlPrototypes, initParamsFields, typeTraitsLayout } from './ggml.ts';
import { keepBackends, keepBuild, knownBackends, knownBuild } from './known-build.ts';
import { type LibraryPaths, findLibraries } from './libraries.ts';
import {
  batchFields,
  contextParamsFields,
  llamaPrototypes,
  llamaStructSymbols,
  modelParamsFields,
  samplerChainParamsFields,
} from './llama.ts';

export type GpuKind = 'cuda' | 'vulkan' | 'metal' | 'cpu';
/** What a GPU is reached through. */
export type GpuBackend = Exclude<GpuKind, 'cpu'>;
/** What a build is for. */
export type BuildChoice = GpuBackend | 'off';
export type GpuChoice = BuildChoice | 'auto';
export type LogLevel = 'error' | 'warn' | 'info';

export interface NativeOptions {
  gpu: BuildChoice;
  /** Finds anew which build runs here, whatever was found before. */
  anew?: boolean;
  onLog: (level: LogLevel, text: string) => void;
}

/** Rows of weights through ggml's own converters; lengths in elements. */
export type Ggml = Library<typeof ggmlPrototypes> & {
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

type Koffi = typeof Koffi_;

/** llama.cpp's libraries, loaded and checked. */
export interface Native {
  readonly ggml: Ggml;
  readonly llama: Library<typeof llamaPrototypes>;
  readonly gpu: GpuKind;
  readonly version: string;
  readonly systemInfo: string;
  readonly libraries: LibraryPaths;
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
  /** Copies `count` floats out of native memory. */
  readFloats(at: Pointer, count: number): Float32Array;
  /** Native work goes on that cannot be stopped: `close` then leaves what it uses to the end of the process. */
  abandon(): void;
  close(): Promise<void>;
}

/** Those whose drivers and libraries seem to be on this machine, the best first. None is loaded to find out. */
export async function gpuBackends({ anew }: { anew: boolean }): Promise<GpuBackend[]> {
  const known = anew ? undefined : await knownBackends();
  if (known) return known;
  const { getLlamaGpuTypes } = await import('node-llama-cpp');
  const found = (await getLlamaGpuTypes('supported')).filter((gpu) => gpu !== false);
  await keepBackends(found);
  return found;
}

/** The structs in llama.ts belong to this version; another one would read garbage. */
export const expectedVersion = '0.5.0';

/**
 * Loads a build of llama.cpp (node-llama-cpp knows where it is and whether it runs here) and binds the C API on it.
 * @throws PixtralError `machine` when no build fits, the version differs or a symbol is missing
 */
export async function openNative({ gpu, anew = false, onLog }: NativeOptions): Promise<Native> {
  let lastError: string | undefined;
  const log: NativeOptions['onLog'] = (level, text) => {
    if (level === 'error') lastError = text;
    onLog(level, text);
  };
  const build = anew ? undefined : await knownBuild(gpu);
  const loaded = (build && (await openAddon(build, log).catch(() => undefined))) ?? (await findBuild(gpu, log));
  try {
    return await bindRuntime(loaded, () => lastError);
  } catch (thrown) {
    await loaded.dispose();
    throw thrown;
  }
}

/** What node-llama-cpp finds is kept for the next time. */
async function findBuild(gpu: BuildChoice, onLog: NativeOptions['onLog']): Promise<LoadedBuild> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  try {
    const llama = await getLlama({
      gpu: gpu === 'off' ? false : gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.info,
      logger: (level, text) => {
        const known: LogLevel =
          level === LlamaLogLevel.error || level === LlamaLogLevel.fatal
            ? 'error'
            : level === LlamaLogLevel.warn
              ? 'warn'
              : 'info';
        onLog(known, text.trimEnd());
      },
    });
    const found = llama.gpu === false ? 'cpu' : llama.gpu;
    const build = buildOf(found);
    if (build) await keepBuild(gpu, build);
    const { cpuMathCores: mathCores, systemInfo } = llama;
    return { gpu: found, mathCores, systemInfo, dispose: () => llama.dispose() };
  } catch (cause) {
    throw new PixtralError('machine', `llama.cpp: no build runs here with --gpu ${gpu}: ${reasonOf(cause)}`, {
      hint:
        gpu === 'off'
          ? 'reinstall the packages (npm install)'
          : 'try --gpu auto or --gpu off; pixtral doctor shows the devices',
      cause,
    });
  }
}

/** The build that was loaded last, if it can be opened without node-llama-cpp. */
function buildOf(gpu: GpuKind): Build | undefined {
  // On a Mac it needs no process to try, and sets Metal up in a way of its own.
  if (gpu === 'metal') return undefined;
  const libraries = loadedLibraries();
  const last = (name: RegExp): string | undefined => libraries.findLast((path) => name.test(basename(path)));
  const [addon, backend] = [last(/^llama-addon\.node$/), last(new RegExp(`ggml-${gpu}\\b`))];
  // A backend that is compiled into another library has no folder.
  return addon === undefined || backend === undefined ? undefined : { gpu, addon, backends: dirname(backend) };
}

async function bindRuntime(runtime: LoadedBuild, lastError: Native['lastError']): Promise<Native> {
  const { default: koffi } = await import('koffi');
  widenWorkerStacks(koffi);
  const libraries = findLibraries(loadedLibraries(), process.platform);
  const base = koffi.load(libraries.ggmlBase);
  const registry = koffi.load(libraries.ggml);
  const decoder = koffi.load(libraries.llama);

  const structs = {
    modelParams: koffi.struct(modelParamsFields),
    contextParams: koffi.struct(contextParamsFields),
    batch: koffi.struct(batchFields),
    samplerChainParams: koffi.struct(samplerChainParamsFields),
  };
  const missing: string[] = [];
  const ggml = bind(ggmlPrototypes, {
    libraries: [base, registry],
    structs: { ggml_init: koffi.struct(initParamsFields) },
    missing,
  });
  const llama = bind(llamaPrototypes, {
    libraries: [decoder],
    structs: Object.fromEntries(Object.entries(llamaStructSymbols).map(([symbol, name]) => [symbol, structs[name]])),
    missing,
  });
  checkRuntime(missing, llama, libraries);

  let abandoned = false;
  const toHalf = halvesConverter(koffi, libraries) ?? ggml.fp32ToFp16Row;
  const toFloat = koffi.proto('void', ['void *', 'void *', 'int64_t']);
  const backendInt = koffi.proto('void', ['void *', 'int']);
  const backendCallback = koffi.proto('void', ['void *', 'void *', 'void *']);
  const toPointer = koffi.proto('void *', ['void *']);
  const toVoid = koffi.proto('void', ['void *']);
  return {
    ggml: {
      ...ggml,
      fp16ToFp32Rows: (...values) => callAsync(ggml.fp16ToFp32Row, ...values),
      bf16ToFp32Rows: (...values) => callAsync(ggml.bf16ToFp32Row, ...values),
      fp32ToFp16Rows: (...values) => callAsync(toHalf, ...values),
      quantizeChunk: (...values) => callAsync(ggml.quantizeChunkSync, ...values),
    },
    llama,
    gpu: runtime.gpu,
    version: llama.version(),
    systemInfo: runtime.systemInfo,
    libraries,
    address: (symbol) => base.symbol(symbol) as Pointer,
    callBackendInt: (fn, backend, value) => koffi.call(fn, backendInt, backend, value),
    callBackendCallback: (fn, backend, callback, userData) =>
      koffi.call(fn, backendCallback, backend, callback, userData),
    callPointer: (fn, argument) => koffi.call(fn, toPointer, argument),
    callVoid: (fn, argument) => koffi.call(fn, toVoid, argument),
    dequantize: (type, row, count) => {
      const values = new Float32Array(count);
      const traits = ggml.typeTraits(type);
      const convert = traits === null ? 0n : BigInt(koffi.decode.uint64(traits + BigInt(typeTraitsLayout.toFloat)));
      // ggml has no conversion from f32 to itself.
      if (convert === 0n) return new Float32Array(row.slice().buffer, 0, count);
      koffi.call(convert, toFloat, row, values, count);
      return values;
    },
    mathCores: runtime.mathCores,
    lastError,
    readPointers: (at) => {
      const pointers: Pointer[] = [];
      for (;;) {
        const pointer = BigInt(koffi.decode.uint64(at + BigInt(pointers.length * 8)));
        if (pointer === 0n) return pointers;
        pointers.push(pointer);
      }
    },
    readFloats: (at, count) => new Float32Array(koffi.view(at, count * 4)).slice(),
    abandon: () => (abandoned = true),
    close: async () => {
      if (!abandoned) await runtime.dispose();
    },
  };
}

/** libggml-base is compiled for any processor, which makes it 30 times slower at this where x86 has an instruction. */
function halvesConverter(koffi: Koffi, { ggmlCpu }: LibraryPaths) {
  if (ggmlCpu === undefined) return undefined;
  const missing: string[] = [];
  const cpu = bind(ggmlCpuPrototypes, { libraries: [koffi.load(ggmlCpu)], structs: {}, missing });
  return missing.length === 0 ? cpu.fp32ToFp16Row : undefined;
}

/** Calls on worker threads run on koffi's own stacks: its default of 128 KiB is small for a model loader. */
function widenWorkerStacks(koffi: Koffi): void {
  const size = 4 * 1024 * 1024;
  // Only before the first library is loaded; the setting is the process's.
  if (koffi.config().async_stack_size !== size) koffi.config({ async_stack_size: size, resident_async_pools: 8 });
}

/** Paths of every library in this process, the same call on Linux, macOS and Windows. */
function loadedLibraries(): string[] {
  const report: unknown = process.report.getReport();
  if (typeof report !== 'object' || report === null || !('sharedObjects' in report)) return [];
  return Array.isArray(report.sharedObjects) ? report.sharedObjects.filter((path) => typeof path === 'string') : [];
}

function checkRuntime(missing: readonly string[], llama: Native['llama'], libraries: LibraryPaths): void {
  const hint = 'reinstall the packages (npm install): node-llama-cpp must be the version in package.json';
  if (missing.length > 0) {
    throw new PixtralError('machine', `${libraries.llama}: lacks ${missing.join(', ')}`, { hint });
  }
  const version = llama.version();
  if (!version.startsWith(expectedVersion)) {
    throw new PixtralError('machine', `${libraries.llama}: is llama.cpp ${version}, expected ${expectedVersion}`, {
      hint,
    });
  }
  // Defaults that the header promises: if the structs were laid out differently, these would be garbage.
  const model = llama.modelDefaultParams();
  const context = llama.contextDefaultParams();
  if (
    model.n_gpu_layers !== -1 ||
    model.load_mode !== -1 ||
    context.n_ctx !== 512 ||
    context.type_v !== 1 ||
    context.n_samplers !== 0
  ) {
    throw new PixtralError('machine', `${libraries.llama}: its parameter structs are not those of ${expectedVersion}`, {
      hint,
    });
  }
}
