import type { OnLoop, Reasoning } from '../asking/events.ts';
import type { Trace } from '../base/trace.ts';
import type { EngineOptions } from '../engine/engine-options.ts';
import type { ModelPaths } from '../engine/runtime/resolve.ts';
import { noteLine } from '../output/note.ts';
import type { Cache } from '../store/cache.ts';
import { tracedCache } from '../store/traced-cache.ts';
import type { Io } from './io.ts';
import { trialFolder, verdictFolder } from './user-cache.ts';
import { printableLine } from '../output/printable.ts';

/** As commander gives `modelOptions`, `samplingOptions`, `runtimeOptions` and `cacheOptions`. */
export interface EngineFlags {
  model?: string;
  mmproj?: string;
  gpu: EngineOptions['gpu'];
  gpuLayers: number | 'auto';
  threads: number | 'auto';
  context: number | 'auto';
  cacheType: string;
  batchSize: number;
  maxTokens: number;
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  repeatPenalty: number;
  seed?: number;
  onLoop?: OnLoop;
  tellSchema?: boolean;
  reasoning?: Reasoning;
  reasoningEffort?: string;
  cache: boolean;
  verbose?: boolean;
  json?: boolean;
}

type ManyQuestions = Pick<EngineOptions, 'parallel' | 'questions' | 'reproducible' | 'speculate' | 'growing'>;

interface Surroundings {
  paths: ModelPaths;
  cache: Cache | undefined;
  trace?: Trace | undefined;
  io: Io;
  /** Puts lines on stderr, between what else is there. */
  note: (lines: string) => void;
}

/** What an engine is opened with, and for how many questions; llama.cpp's log goes to stderr when it is asked for. */
export function engineOptions(
  { context, verbose, json = false, gpu, gpuLayers, threads, cacheType, batchSize }: EngineFlags,
  { paths, cache, trace, io, note, ...many }: Surroundings & ManyQuestions,
): EngineOptions {
  return {
    ...paths,
    gpu,
    gpuLayers,
    threads,
    cacheType,
    batchSize,
    contextSize: context,
    cache: cache && trace ? tracedCache(cache, trace) : cache,
    trace,
    verdictFolder: verdictFolder(io),
    trialFolder: paths.notice === undefined ? trialFolder(io) : undefined, // the demo is our own
    onNotice: (line) => note(noteLine(line, { json })),
    ...many,
    ...(verbose === true && { onLog: (line: string) => io.stderr.write(`${printableLine(line)}\n`) }),
  };
}
