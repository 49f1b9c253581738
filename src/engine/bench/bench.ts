import { cacheTypeOf } from '../runtime/cache-type.ts';
import { runtimeMark } from '../runtime/runtime-mark.ts';
import { DecoderContext } from '../../decoder/context.ts';
import { ConstrainedSampler } from '../../decoder/constrained-sampler.ts';
import { DecoderModel } from '../../decoder/model.ts';
import { Sampler } from '../../decoder/sampler.ts';
import type { SamplingOptions } from '../../decoder/samplers.ts';
import { Sequence } from '../../decoder/sequence.ts';
import { weightBytes } from '../../gguf/types.ts';
import { jsonObjectFormat } from '../../grammar/answer-format.ts';
import { loadPictures } from '../../image/decoder/load.ts';
import { AbortFlag } from '../../native/abort-flag.ts';
import { deviceLabel, mainDevice } from '../../native/devices.ts';
import type { Native } from '../../native/native.ts';
import { VisionEncoder } from '../../vision/encoder.ts';
import { Grammars } from '../answers/grammars.ts';
import type { EngineOptions } from '../engine-options.ts';
import {
  checkMainMemory,
  chooseGpuLayers,
  chooseSequences,
  chooseThreads,
  towerComputeBytes,
  towerWeightBytes,
} from '../runtime/budget.ts';
import { type ModelFiles, readModelFiles } from '../runtime/model-files.ts';
import { modelTrialOptions, requireSurvivor } from '../runtime/model-trial.ts';
import { openWorking } from '../runtime/working-gpu.ts';
import { memoryBandwidth } from './bandwidth.ts';
import { testPicture } from './test-picture.ts';
import { decodeLimit, weightsRead } from './weights-read.ts';

export interface BenchOptions extends Omit<EngineOptions, 'parallel' | 'questions' | 'reproducible' | 'contextSize'> {
  /** Fewer tokens, smaller pictures. */
  quick: boolean;
  onStage: (stage: string) => void;
  signal: AbortSignal;
}

export interface BenchReport {
  model: string;
  runtime: { version: string; gpu: string; device: string; build: string | undefined; threads: number };
  /** Bytes a second of a copy in main memory; none where the decoder is on a GPU, whose memory is another. */
  bandwidth: number | undefined;
  bytes: {
    decoder: number;
    /** Read for each step. */
    step: number;
    tower: number;
  };
  stages: BenchStage[];
}

export interface BenchStage {
  /** `decode, 8 at once` */
  name: string;
  seconds: number;
  /** What was done in them. */
  count: number;
  unit: 'picture' | 'token' | 'byte';
  /** Of the unit, a second. */
  rate: number;
  /** The rate that the memory allows. */
  limit: number | undefined;
  /** Why it was left out; nothing was measured then. */
  skipped?: string;
}

/** Sides of the pictures that the tower looks at. */
const towerSides = [256, 512, 1024];
/** Ids that the decoder reads in one go, and behind which it writes. */
const promptTokens = { full: 512, quick: 128 };
const drawnTokens = { full: 32, quick: 8 };
const atOnce = [4, 8];
/** For one stage; what would take longer is left out, and said to be. */
const stageSeconds = { full: 120, quick: 10 };
const copyMilliseconds = { full: 1500, quick: 400 };

/**
 * Measures each stage that a question goes through, one after the other, on the user's machine with their model.
 * @throws PixtralError as an answer would; the reason of the signal
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const { signal, onStage } = options;
  signal.throwIfAborted();
  const abort = new AbortFlag();
  const stop = (): void => abort.set();
  signal.addEventListener('abort', stop, { once: true });
  const files = await readModelFiles(options);
  onStage('opening the runtime');
  const { gpu, verdictFolder, onNotice = () => {}, onLog, native: given } = options;
  const log = (level: string, text: string): void => onLog?.(`${level}: ${text}`);
  const native = given ?? (await openWorking({ gpu, verdictFolder, onNotice, onLog: log, signal }));
  try {
    return await measure(files, { options, native, abort });
  } finally {
    signal.removeEventListener('abort', stop);
    await native.close();
  }
}

interface Bench {
  options: BenchOptions;
  native: Native;
  abort: AbortFlag;
}

async function measure(files: ModelFiles, { options, native, abort }: Bench): Promise<BenchReport> {
  const { signal, onStage, threads: wanted } = options;
  const amount = options.quick ? 'quick' : 'full';
  const device = mainDevice(native);
  const threads = wanted === 'auto' ? chooseThreads(files, native.mathCores) : wanted;
  const onCpu = device.kind === 'cpu';
  if (onCpu) onStage('memory');
  const copying = { milliseconds: copyMilliseconds[amount], signal };
  const bandwidth = onCpu ? await memoryBandwidth(threads, copying) : undefined;
  const decoder = await decoderStages(files, { options, native, abort, threads, bandwidth });
  return {
    model: files.name,
    runtime: {
      version: native.version,
      gpu: native.gpu,
      device: deviceLabel(device),
      build: native.ownBuild?.split(' ')[0],
      threads,
    },
    bandwidth,
    bytes: { decoder: weightBytes(files.model), step: weightsRead(files.model), tower: towerWeightBytes(files) },
    stages: [
      await pictureStage(files, { onStage, signal }),
      ...(await towerStages(files, { options, native, abort, threads })),
      ...decoder,
    ],
  };
}

/** A picture larger than the model sees: read, decoded and resized. */
async function pictureStage(
  files: ModelFiles,
  { onStage, signal }: Pick<BenchOptions, 'onStage' | 'signal'>,
): Promise<BenchStage> {
  onStage('picture');
  const picture = { name: 'a drawing.png', bytes: testPicture({ width: 2048, height: 1536 }) };
  const load = () => loadPictures(picture, { image: files.image, maxPages: 1, signal });
  await load(); // the decoder's process starts
  const { seconds } = await timed(load);
  return stage('picture, PNG of 2048x1536', { seconds, count: 1, unit: 'picture', limit: undefined });
}

interface Running extends Bench {
  threads: number;
}

async function towerStages(files: ModelFiles, { options, native, abort, threads }: Running): Promise<BenchStage[]> {
  const { signal, onStage } = options;
  onStage('loading the vision tower');
  const device = mainDevice(native);
  const opening = await timed(() => VisionEncoder.open({ native, gguf: files.mmproj, device, threads, abort }));
  const encoder = opening.value;
  const bytes = towerWeightBytes(files);
  const stages = [
    stage('load, vision tower', { seconds: opening.seconds, count: bytes, unit: 'byte', limit: undefined }),
  ];
  try {
    const { patchSize, maxImageSize, spatialMergeSize, channels } = files.tower;
    const step = patchSize * spatialMergeSize;
    let last = { patches: 0, seconds: 0 };
    for (const side of towerSides.filter((one) => one <= maxImageSize)) {
      const columns = Math.floor(side / step) * spatialMergeSize;
      const patches = columns ** 2;
      const name = `tower, ${side}x${side}`;
      // Attention grows with the square: at most that much.
      const expected = last.patches === 0 ? 0 : last.seconds * (patches / last.patches) ** 2;
      const skipped = tooLong(expected, options);
      if (skipped !== undefined) {
        stages.push(left(name, 'picture', skipped));
        continue;
      }
      onStage(name);
      const values = noise(patches * channels * patchSize ** 2);
      const run = () => encoder.encode({ columns, rows: columns, values }, { keepTower: false, signal });
      if (expected < 1) await run(); // the first one makes room
      const { seconds } = await timed(run);
      last = { patches, seconds };
      stages.push(stage(name, { seconds, count: 1, unit: 'picture', limit: undefined }));
    }
    return stages;
  } finally {
    encoder.close();
  }
}

async function decoderStages(
  files: ModelFiles,
  { options, native, abort, threads, bandwidth }: Running & { bandwidth: number | undefined },
): Promise<BenchStage[]> {
  const { signal, onStage, gpu, gpuLayers: wantedLayers, batchSize, trialFolder: folder } = options;
  const cacheType = cacheTypeOf(options.cacheType);
  const amount = options.quick ? 'quick' : 'full';
  const [prompt, drawn] = [promptTokens[amount], drawnTokens[amount]];
  const contextSize = Math.min(files.decoder.trainedContext, prompt + 2 * drawn + 256);
  const shape = { contextSize, cacheType, batchSize };
  const device = mainDevice(native);
  const towerBytes = towerComputeBytes(files) + towerWeightBytes(files);
  const wanted = { parallel: 'auto', questions: Math.max(...atOnce) } as const;
  const sequences = chooseSequences(files, { ...shape, wanted, device, towerBytes, isLoaded: false });
  const gpuLayers = chooseGpuLayers(files, {
    ...shape,
    sequences,
    device,
    gpuLayers: wantedLayers,
    loaded: undefined,
    towerBytes,
  });
  checkMainMemory(files, { ...shape, sequences, gpuLayers });
  if (folder !== undefined) {
    await requireSurvivor(files, { ...modelTrialOptions, folder, gpu, runtime: runtimeMark(native), signal });
  }
  onStage('loading the decoder');
  const opening = await timed(() => DecoderModel.open({ native, gguf: files.model, gpuLayers, abort, signal }));
  const model = opening.value;
  let context: DecoderContext | undefined;
  try {
    context = await DecoderContext.open(model, { ...shape, sequences, threads, abort });
    const bytes = weightBytes(files.model);
    const limitOf = (count: number): number | undefined =>
      bandwidth === undefined
        ? undefined
        : decodeLimit({
            bandwidth,
            weights: weightsRead(files.model),
            sequences: count,
            length: prompt,
            config: files.decoder,
            cacheType,
          });
    return [
      stage('load, decoder', { seconds: opening.seconds, count: bytes, unit: 'byte', limit: undefined }),
      ...(await sequenceStages({ files, context, options, prompt, drawn, limitOf })),
    ];
  } finally {
    context?.close();
    model.close();
  }
}

interface Writing {
  files: ModelFiles;
  context: DecoderContext;
  options: BenchOptions;
  /** Ids that are read, and that are written behind them. */
  prompt: number;
  drawn: number;
  limitOf: (sequences: number) => number | undefined;
}

async function sequenceStages({ files, context, options, prompt, drawn, limitOf }: Writing): Promise<BenchStage[]> {
  const { signal, onStage } = options;
  const { sequences, model } = context;
  const [first] = sequences;
  if (!first) throw new Error('a context has a sequence');
  const controls = files.tekken.vocabulary.controls.length; // they stand first: text only
  const texts = files.decoder.vocabularySize - controls;
  const ids = Array.from({ length: prompt }, (_, at) => controls + ((at * 7919) % texts));
  onStage('reading');
  await first.appendIds(ids.slice(0, 16), signal); // weights come from the disk, buffers are made
  first.truncate(0);
  const reading = await timed(() => first.appendIds(ids, signal));
  const stages = [
    stage(`read, ${prompt} tokens`, { seconds: reading.seconds, count: prompt, unit: 'token', limit: undefined }),
  ];

  onStage('writing');
  const sampler = new Sampler(model, greedy);
  const alone = await write(first, { count: drawn, sampler, signal });
  sampler.close();
  stages.push(stage('write, one at a time', { ...alone, count: drawn, unit: 'token', limit: limitOf(1) }));

  onStage('writing by a grammar');
  first.truncate(prompt - 1);
  await first.appendIds(ids.slice(-1), signal);
  const matcher = new Grammars(files.tekken).matcher(model, jsonObjectFormat().grammar);
  const constrained = new ConstrainedSampler(model, { sampling: greedy, matcher });
  const bound = await write(first, {
    count: drawn,
    sampler: constrained,
    signal,
    isFinished: () => matcher.isFinished,
  });
  constrained.close();
  stages.push(
    stage('write JSON, one at a time', {
      seconds: bound.seconds,
      count: bound.written,
      unit: 'token',
      limit: limitOf(1),
    }),
  );
  stages.push(
    stage('  of that, the grammar', { seconds: bound.sampling, count: bound.written, unit: 'token', limit: undefined }),
  );

  for (const count of atOnce) {
    const name = `write, ${count} at once`;
    if (count > sequences.length) {
      stages.push(left(name, 'token', `memory has room for ${sequences.length}`));
      continue;
    }
    onStage(name);
    for (const sequence of sequences.slice(1, count)) sequence.copyBeginning(first, prompt);
    first.truncate(prompt);
    const next = sequences.slice(0, count).map((sequence, at) => ({ sequence, ids: [ids[at]!], wanted: true }));
    await Sequence.appendJointly(next, signal); // moves the copies
    const { seconds } = await timed(async () => {
      for (let step = 0; step < drawn; step++) await Sequence.appendJointly(next, signal);
    });
    stages.push(stage(name, { seconds, count: drawn * count, unit: 'token', limit: limitOf(count) }));
  }
  return stages;
}

const greedy: SamplingOptions = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, repeatPenalty: 1 };

interface WriteOptions {
  count: number;
  sampler: Pick<Sampler, 'sample'>;
  signal: AbortSignal;
  /** Nothing more may come. */
  isFinished?: () => boolean;
}

/** Draws tokens and appends them; `sampling`: seconds of the draws alone. */
async function write(sequence: Sequence, { count, sampler, signal, isFinished = () => false }: WriteOptions) {
  let [sampling, written] = [0, 0];
  const { seconds } = await timed(async () => {
    for (; written < count && !isFinished(); written++) {
      const start = performance.now();
      const id = sampler.sample(sequence);
      sampling += (performance.now() - start) / 1000;
      await sequence.appendIds([id], signal);
    }
  });
  return { seconds, sampling, written };
}

function tooLong(expected: number, { quick }: BenchOptions): string | undefined {
  const most = stageSeconds[quick ? 'quick' : 'full'];
  return expected > most ? `could take ${Math.ceil(expected)} s` : undefined;
}

function stage(
  name: string,
  { seconds, count, unit, limit }: Omit<BenchStage, 'name' | 'rate' | 'skipped'>,
): BenchStage {
  return { name, seconds, count, unit, rate: count / Math.max(seconds, 1e-9), limit };
}

function left(name: string, unit: BenchStage['unit'], skipped: string): BenchStage {
  return { name, seconds: 0, count: 0, unit, rate: 0, limit: undefined, skipped };
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const start = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - start) / 1000 };
}

/** Normalised pixels. */
function noise(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 4;
  });
}
