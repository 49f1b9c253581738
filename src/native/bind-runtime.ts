import type Koffi_ from 'koffi';
import { type Pointer, bind, callAsync } from './bind.ts';
import type { LoadedBuild } from './builds.ts';
import { checkRuntime, knownVersion } from './check-runtime.ts';
import { ggmlCpuPrototypes, ggmlPrototypes, initParamsFields, precisionPrototype, typeTraitsLayout } from './ggml.ts';
import { type LibraryPaths, findLibraries, loadedLibraries } from './libraries.ts';
import { llamaPrototypes, llamaStructSymbols } from './llama.ts';
import type { Native } from './native.ts';

type Koffi = typeof Koffi_;

/**
 * Binds the C API on the libraries that are loaded in this process.
 * @throws PixtralError `machine` when their version is not known or a symbol is missing
 */
export async function bindRuntime(
  runtime: LoadedBuild,
  lastError: Native['lastError'],
): Promise<Omit<Native, 'ownBuild'>> {
  const { koffi } = await import('./koffi.ts');
  const libraries = findLibraries(loadedLibraries(), process.platform);
  const base = koffi.load(libraries.ggmlBase);
  const registry = koffi.load(libraries.ggml);
  const decoder = koffi.load(libraries.llama);

  const known = knownVersion(decoder, libraries);
  const { modelParams, contextParams, batch, samplerChainParams } = known.structs;
  const structs = {
    modelParams: koffi.struct(modelParams),
    contextParams: koffi.struct(contextParams),
    batch: koffi.struct(batch),
    samplerChainParams: koffi.struct(samplerChainParams),
  };
  const missing: string[] = [];
  const ggml = bind(
    { ...ggmlPrototypes, ...precisionPrototype(known.precisionSymbol) },
    { libraries: [base, registry], structs: { ggml_init: koffi.struct(initParamsFields) }, missing },
  );
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
    viewFloats: (at, count) => new Float32Array(koffi.view(at, count * 4)),
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
