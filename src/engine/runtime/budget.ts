import { freemem } from 'node:os';
import { PixtralError } from '../../base/errors.ts';
import type { CacheType } from '../../decoder/cache-types.ts';
import { type ContextShape, cacheBytes, layersThatFit, memoryNeed } from '../../decoder/fit.ts';
import { weightBytes } from '../../gguf/types.ts';
import type { Device } from '../../native/devices.ts';
import type { ModelFiles } from './model-files.ts';

/** Left free on a GPU for its driver and for what we cannot foresee. */
const gpuReserve = 512 * 1024 * 1024;

/** Tokens for prompt and answer, as the user asked or as the task needs. */
export function chooseContextSize(
  { decoder, model }: ModelFiles,
  { contextSize, promptTokens, maxTokens }: { contextSize: number | 'auto'; promptTokens: number; maxTokens: number },
): number {
  const { trainedContext } = decoder;
  if (contextSize !== 'auto' && contextSize > trainedContext) {
    throw new PixtralError(
      'usage',
      `--context ${contextSize}: ${model.path} was trained for ${trainedContext} tokens`,
      {
        hint: `use at most ${trainedContext}`,
      },
    );
  }
  const limit = contextSize === 'auto' ? trainedContext : contextSize;
  if (promptTokens >= limit) {
    throw new PixtralError(
      'input',
      `prompt: ${promptTokens} tokens leave no room for an answer in a context of ${limit}`,
      {
        hint:
          contextSize === 'auto'
            ? 'shorten the prompt or give fewer images'
            : 'raise --context, shorten the prompt or give fewer images',
      },
    );
  }
  if (contextSize !== 'auto') return contextSize;
  const rounded = Math.ceil((promptTokens + maxTokens) / 256) * 256;
  return Math.min(rounded, trainedContext);
}

/** A talk about a few pictures fits in, and 12B's cache takes 1.3 GB. */
const leastRoom = 8192;

/** Of the memory that can still be had, what may be taken for later questions. */
const shareToGrow = 0.25;

/** A context that holds `contextSize` tokens and those of questions to come, where memory allows. */
export function roomToGrow({ decoder }: ModelFiles, contextSize: number, cacheType: CacheType): number {
  const doubled = 2 ** Math.ceil(Math.log2(Math.max(contextSize, leastRoom)));
  const grown = Math.min(doubled, decoder.trainedContext);
  const fits = cacheBytes(decoder, grown, cacheType) <= availableMemory() * shareToGrow;
  return fits ? Math.max(grown, contextSize) : contextSize;
}

/**
 * Layers for the GPU: what the user said, else what fits beside the vision tower.
 * @param loaded those of a loaded model: they stay where they are, and the memory that they took is no longer free
 * @param towerBytes what the tower will still take on the device
 */
export function chooseGpuLayers(
  files: ModelFiles,
  {
    device,
    gpuLayers,
    loaded,
    towerBytes,
    ...shape
  }: ContextShape & {
    device: Device;
    gpuLayers: number | 'auto';
    loaded: number | undefined;
    towerBytes: number;
  },
): number {
  if (device.kind === 'cpu') return 0;
  if (loaded !== undefined) return loaded;
  if (gpuLayers !== 'auto') return gpuLayers;
  const freeBytes = device.memoryFree - gpuReserve - towerBytes;
  return layersThatFit({ gguf: files.model, config: files.decoder }, { freeBytes, ...shape });
}

/**
 * On two CPU cores a step of 4 sequences took as long as one of 8, and nearly 4 times as long as a step of one: ggml's
 * kernels want 8 rows. Each more takes cells for a whole prompt, and is lost when the process dies.
 */
const autoSequences = 8;

/** Of the memory that weights leave, the part that the KV cache may have unasked. */
const shareOfFree = 0.5;

interface Wanted {
  /** Sequences at once, as the user wants. */
  parallel: number | 'auto';
  /** There are no more. */
  questions: number;
}

/** What `chooseSequences` gives where memory is no limit. */
export function mostSequences({ parallel, questions }: Wanted): number {
  return Math.max(1, Math.min(parallel === 'auto' ? autoSequences : parallel, questions));
}

/** Sequences at once: what the user said, else what fits beside all weights; never more than there are questions. */
export function chooseSequences(
  files: ModelFiles,
  {
    wanted,
    device,
    towerBytes,
    isLoaded,
    ...shape
  }: Omit<ContextShape, 'sequences'> & {
    wanted: Wanted;
    device: Device;
    towerBytes: number;
    /** The weights have their memory already. */
    isLoaded: boolean;
  },
): number {
  const most = mostSequences(wanted);
  if (wanted.parallel !== 'auto' || most === 1) return most;
  const { weights, cache, compute } = memoryNeed(
    { gguf: files.model, config: files.decoder },
    { ...shape, sequences: 1 },
  );
  const onGpu = device.kind !== 'cpu';
  const free = onGpu ? device.memoryFree - gpuReserve : availableMemory();
  // Weights in main memory are mapped: what is free counts them, loaded or not.
  const left = free - towerBytes - compute - (isLoaded && onGpu ? 0 : weights);
  return Math.max(1, Math.min(most, Math.floor((left * shareOfFree) / cache)));
}

/** Activations of the tower for the largest picture, with a fused attention kernel: an estimate, in bytes. */
export function towerComputeBytes({ tower }: ModelFiles): number {
  const patches = (tower.maxImageSize / tower.patchSize) ** 2;
  const perPatch =
    4 * (8 * tower.hidden + 3 * tower.intermediate + (2 * tower.outputDim) / tower.spatialMergeSize ** 2);
  return patches * perPatch;
}

/** Weights of the tower. Unlike the decoder's they are copied, also into main memory. */
export function towerWeightBytes({ mmproj }: ModelFiles): number {
  return weightBytes(mmproj);
}

/** Below that, threads wait for each other longer than they compute, and much longer where others want the cores too. */
const weightBytesPerThread = 16 * 1024 * 1024;

/** CPU threads that a model of that size keeps busy. */
export function chooseThreads({ model }: Pick<ModelFiles, 'model'>, mathCores: number): number {
  return Math.max(1, Math.min(mathCores, Math.floor(weightBytes(model) / weightBytesPerThread)));
}

/** Bytes of main memory that can still be had. Weights are mapped from the file and do not count. */
export function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}

/**
 * Linux would kill us instead of refusing.
 * @throws PixtralError `machine` when cache and activations cannot fit, `usage` when there are too many sequences
 */
export function checkMainMemory(
  files: ModelFiles,
  { gpuLayers, ...shape }: ContextShape & { gpuLayers: number },
): void {
  const { cache, compute } = memoryNeed({ gguf: files.model, config: files.decoder }, shape);
  const onCpu = Math.max(0, 1 - gpuLayers / files.decoder.layers);
  const needed = cache * onCpu + compute;
  const available = availableMemory();
  if (needed <= available) return;
  const { sequences, contextSize, cacheType } = shape;
  const context = `a context of ${contextSize} tokens in ${cacheType}`;
  const needs = `needs ${gib(needed)}, ${gib(available)} are free`;
  if (sequences > 1) {
    throw new PixtralError('usage', `--parallel ${sequences}: for each ${context} ${needs}`, {
      hint: 'use a smaller --parallel or --context, or --cache-type q8_0',
    });
  }
  throw new PixtralError('machine', `memory: ${context} ${needs}`, {
    hint: 'use a smaller --context, or --cache-type q8_0',
  });
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
