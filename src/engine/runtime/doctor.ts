import { totalmem } from 'node:os';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import { type CacheType, isCacheType } from '../../decoder/cache-types.ts';
import { memoryNeed } from '../../decoder/fit.ts';
import { tryDecoder } from '../../image/decoder/try-decoder.ts';
import { ggmlPrototypes } from '../../native/ggml.ts';
import { type Device, listDevices, mainDevice } from '../../native/devices.ts';
import type { LibraryPaths } from '../../native/libraries.ts';
import { llamaPrototypes } from '../../native/llama.ts';
import type { GpuBackend, GpuChoice } from '../../native/builds.ts';
import type { Native } from '../../native/native.ts';
import { type BuildAdvice, buildAdvice } from '../../native/own/advice.ts';
import type { Verdict } from '../../native/trial.ts';
import { availableMemory, chooseGpuLayers, towerComputeBytes, towerWeightBytes } from './budget.ts';
import { readModelFiles } from './model-files.ts';
import type { ModelPaths } from './resolve.ts';
import { type Backends, backends, failureText, tryBackends } from './working-gpu.ts';

export interface DoctorOptions {
  gpu: GpuChoice;
  /** Where verdicts are kept for later processes. */
  verdictFolder: string | undefined;
  signal: AbortSignal;
  /** Check whether this model fits, too. */
  paths: ModelPaths | undefined;
  contextSize: number;
  cacheType: string;
  batchSize: number;
}

export interface Diagnosis {
  platform: string;
  node: string;
  runtime:
    | {
        version: string;
        gpu: string;
        symbols: number;
        mathCores: number;
        systemInfo: string;
        libraries: LibraryPaths;
      }
    | undefined;
  /** Whether the arithmetic was, or should be, compiled for this machine. */
  build: BuildAdvice | undefined;
  /** What trials of the GPU backends have shown, those that `--gpu` could mean here. */
  backends: ({ gpu: GpuBackend } & Verdict)[];
  devices: Omit<Device, 'handle'>[];
  /** Main memory in bytes. */
  memory: { available: number; total: number };
  model: ModelFit | undefined;
  /** One line each; empty when all is well. */
  problems: string[];
}

/** What a model needs and where it goes; bytes. */
export interface ModelFit {
  name: string;
  model: string;
  mmproj: string;
  contextSize: number;
  weights: number;
  tower: number;
  cache: number;
  compute: number;
  gpuLayers: number;
  layers: number;
  fits: boolean;
}

/** Tries everything that `ask` relies on, short of loading weights. Problems are found, not thrown. */
export async function diagnose(options: DoctorOptions, machine: Backends = backends): Promise<Diagnosis> {
  const diagnosis: Diagnosis = {
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    runtime: undefined,
    build: undefined,
    backends: await tryBackends(options, machine),
    devices: [],
    memory: { available: availableMemory(), total: totalmem() },
    model: undefined,
    problems: [],
  };
  diagnosis.problems.push(...backendProblems(diagnosis, options));
  await attempt(diagnosis, () => tryDecoder(options.signal));
  const gpu = diagnosis.backends.find(({ verdict }) => verdict === 'works')?.gpu ?? 'off';
  const native = await attempt(
    diagnosis,
    async () => options.paths?.native ?? machine.open({ gpu, anew: true, onLog: () => {} }),
  );
  try {
    if (native) {
      describeRuntime(diagnosis, native);
      diagnosis.build = await buildAdvice(native);
    }
    if (options.paths) {
      const { paths } = options;
      diagnosis.model = await attempt(diagnosis, () => modelFit(native, { ...options, paths }));
    }
    const { model } = diagnosis;
    if (model && !model.fits) diagnosis.problems.push(`${model.model}: does not fit into memory`);
  } finally {
    await native?.close();
  }
  return diagnosis;
}

/** A backend that fails, or that was asked for and is not there. */
function backendProblems({ backends: tried }: Diagnosis, { gpu: wanted }: DoctorOptions): string[] {
  return tried.flatMap(({ gpu, ...verdict }) =>
    verdict.verdict === 'fails' || (verdict.verdict !== 'works' && wanted !== 'auto')
      ? [failureText(gpu, verdict)]
      : [],
  );
}

async function attempt<T>(diagnosis: Diagnosis, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof PixtralError)) throw thrown;
    diagnosis.problems.push(reasonOf(thrown));
    return undefined;
  }
}

function describeRuntime(diagnosis: Diagnosis, native: Native): void {
  diagnosis.runtime = {
    version: native.version,
    gpu: native.gpu,
    // openNative refuses to return with a symbol missing.
    symbols: Object.keys(ggmlPrototypes).length + Object.keys(llamaPrototypes).length,
    mathCores: native.mathCores,
    systemInfo: native.systemInfo.trim(),
    libraries: native.libraries,
  };
  diagnosis.devices = listDevices(native).map(({ name, description, kind, memoryFree, memoryTotal }) => ({
    name,
    description,
    kind,
    memoryFree,
    memoryTotal,
  }));
}

async function modelFit(
  native: Native | undefined,
  { paths, contextSize, cacheType, batchSize }: DoctorOptions & { paths: ModelPaths },
): Promise<ModelFit> {
  const files = await readModelFiles(paths);
  const cache: CacheType = isCacheType(cacheType) ? cacheType : 'f16';
  const context = Math.min(contextSize, files.decoder.trainedContext);
  const need = memoryNeed(
    { gguf: files.model, config: files.decoder },
    { contextSize: context, sequences: 1, cacheType: cache, batchSize },
  );
  const towerBytes = towerWeightBytes(files) + towerComputeBytes(files);
  const device = native && mainDevice(native);
  const gpuLayers = device
    ? chooseGpuLayers(files, {
        device,
        gpuLayers: 'auto',
        loaded: undefined,
        contextSize: context,
        sequences: 1,
        cacheType: cache,
        batchSize,
        towerBytes,
      })
    : 0;
  const onCpu = Math.max(0, 1 - gpuLayers / files.decoder.layers);
  const mainMemory = (need.weights + need.cache) * onCpu + need.compute + (device?.kind === 'gpu' ? 0 : towerBytes);
  return {
    name: files.name,
    model: paths.model,
    mmproj: paths.mmproj,
    contextSize: context,
    weights: need.weights,
    tower: towerBytes,
    cache: need.cache,
    compute: need.compute,
    gpuLayers,
    layers: files.decoder.layers,
    fits: mainMemory <= availableMemory(),
  };
}
