import { freemem } from 'node:os';
import { PixtralError } from '../base/errors.ts';
import type { CacheType } from '../decoder/cache-types.ts';
import { layersThatFit, memoryNeed } from '../decoder/fit.ts';
import type { Device } from '../native/devices.ts';
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

/**
 * Layers for the GPU: what the user said, else what fits beside the vision tower.
 * @param towerBytes what the tower will still take on the device
 */
export function chooseGpuLayers(
  files: ModelFiles,
  options: {
    device: Device;
    gpuLayers: number | 'auto';
    contextSize: number;
    cacheType: CacheType;
    batchSize: number;
    towerBytes: number;
  },
): number {
  const { device, gpuLayers, towerBytes, ...rest } = options;
  if (device.kind === 'cpu') return 0;
  if (gpuLayers !== 'auto') return gpuLayers;
  const freeBytes = device.memoryFree - gpuReserve - towerBytes;
  return layersThatFit({ gguf: files.model, config: files.decoder }, { freeBytes, ...rest });
}

/** Activations of the tower for the largest picture, with a fused attention kernel: an estimate, in bytes. */
export function towerComputeBytes({ tower }: ModelFiles): number {
  const patches = (tower.maxImageSize / tower.patchSize) ** 2;
  const perPatch =
    4 * (8 * tower.hidden + 3 * tower.intermediate + (2 * tower.outputDim) / tower.spatialMergeSize ** 2);
  return patches * perPatch;
}

/** Bytes of main memory that can still be had. Weights are mapped from the file and do not count. */
export function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}

/** @throws PixtralError `machine` when cache and activations cannot fit: Linux would kill us instead of refusing */
export function checkMainMemory(
  files: ModelFiles,
  options: { contextSize: number; cacheType: CacheType; batchSize: number; gpuLayers: number },
): void {
  const { cache, compute } = memoryNeed({ gguf: files.model, config: files.decoder }, options);
  const onCpu = Math.max(0, 1 - options.gpuLayers / files.decoder.layers);
  const needed = cache * onCpu + compute;
  const available = availableMemory();
  if (needed <= available) return;
  throw new PixtralError(
    'machine',
    `memory: a context of ${options.contextSize} tokens in ${options.cacheType} needs ${gib(needed)}, ${gib(available)} are free`,
    { hint: 'use a smaller --context, or --cache-type q8_0' },
  );
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
