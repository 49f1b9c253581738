import type { Trace } from '../base/trace.ts';
import type { GpuChoice } from '../native/builds.ts';
import type { Native } from '../native/native.ts';
import type { Cache } from '../store/cache.ts';

export interface EngineOptions {
  /** Paths of the GGUF pair. */
  model: string;
  mmproj: string;
  gpu: GpuChoice;
  /** Layers on the GPU, the output layer counted as one more. */
  gpuLayers: number | 'auto';
  threads: number | 'auto';
  /** Tokens; `auto`: prompt and answer, up to what the model was trained for. */
  contextSize: number | 'auto';
  /** Tokens per prefill step. */
  batchSize: number;
  /** Type of the KV cache: f16, q8_0, ... */
  cacheType: string;
  /** Questions at once; `auto`: what memory and device are good for. */
  parallel: number | 'auto';
  /** As many will come at most: for more at once no memory is taken. */
  questions: number;
  /** Every question is computed as it would be alone, in calls of its own. */
  reproducible: boolean;
  /** How answers go on is looked up in prompts and earlier answers, and a call is given what was found. */
  speculate?: boolean;
  /** Each question holds the one before and more: the context has room for several, and what it holds moves into a larger one. */
  growing?: boolean;
  /** Where results are kept for later questions; without it everything is computed anew. */
  cache?: Cache | undefined;
  /** Is told what each step takes. */
  trace?: Trace | undefined;
  /** A line of llama.cpp's log. */
  onLog?: (line: string) => void;
  /** Where verdicts on GPUs are kept for later processes; without it each tries them anew. */
  verdictFolder?: string | undefined;
  /** Where it is kept which pairs have been loaded before; without it none is tried in a process of its own first. */
  trialFolder?: string | undefined;
  /** A line that the user should read. */
  onNotice?: (line: string) => void;
  /** A runtime that is open already, of the same `gpu`: closed with the engine. */
  native?: Native;
}
