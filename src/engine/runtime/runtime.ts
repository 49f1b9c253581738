import { type CacheType } from '../../decoder/cache-types.ts';
import { DecoderContext } from '../../decoder/context.ts';
import { embeddingRows } from '../../decoder/embedding-rows.ts';
import { DecoderModel } from '../../decoder/model.ts';
import { traced } from '../../base/trace.ts';
import type { AbortFlag } from '../../native/abort-flag.ts';
import { mainDevice } from '../../native/devices.ts';
import type { Native } from '../../native/native.ts';
import { imagesOf } from '../../prompt/message.ts';
import { VisionEncoder } from '../../vision/encoder.ts';
import {
  checkMainMemory,
  chooseGpuLayers,
  chooseSequences,
  chooseThreads,
  towerComputeBytes,
  towerWeightBytes,
  availableMemory,
  roomToGrow,
} from './budget.ts';
import type { Question } from '../../asking/events.ts';
import type { EngineOptions } from '../engine-options.ts';
import { type Kept, openKept } from './kept.ts';
import type { ModelFiles } from './model-files.ts';
import { modelTrialOptions, requireSurvivor } from './model-trial.ts';
import { type PictureKey, pictureKeys } from '../pictures/picture-key.ts';
import { PictureRows } from '../pictures/picture-rows.ts';
import { Slots } from '../answers/slots.ts';
import { cacheTypeOf } from './cache-type.ts';
import { runtimeMark } from './runtime-mark.ts';
import { openWorking } from './working-gpu.ts';

/** What a question is answered with. */
export interface Loaded {
  model: DecoderModel;
  slots: Slots;
  rows: PictureRows;
  kept: Kept | undefined;
  pictureKey: PictureKey;
  batchSize: number;
  /** Id of [/INST]. */
  questionEnd: number;
  imgBreak: Float32Array;
  imgEnd: Float32Array;
}

export interface LoadOptions {
  /** Tokens that the question needs. */
  contextSize: number;
  withImages: boolean;
  signal: AbortSignal | undefined;
}

/** Rows of earlier pictures: three of Pixtral-12B's largest. */
const recentRowsBytes = 256 * 1024 * 1024;

/** Tokens of a question about a picture and of its answer. */
const questionRoom = 1024;

/** A copy of a context's state must not push the weights out of memory. */
const shareToMove = 0.25;

/** Everything that holds native memory, loaded when it is first needed and closed in reverse order. */
export class Runtime {
  readonly #files: ModelFiles;
  readonly #options: EngineOptions;
  readonly #abort: AbortFlag;
  readonly #cacheType: CacheType;
  readonly #pictureKey = pictureKeys();
  readonly #rows: PictureRows;
  #native: Native | undefined;
  #starting: Promise<Native> | undefined;
  #encoder: VisionEncoder | undefined;
  #model: DecoderModel | undefined;
  #context: DecoderContext | undefined;
  #slots: Slots | undefined;
  #kept: Kept | undefined;
  #hasGpu = false;
  /** Of the loaded model. */
  #gpuLayers: number | undefined;
  /** Of [IMG_BREAK] and [IMG_END]. */
  #controlRows: Float32Array[] | undefined;

  /** @throws PixtralError `usage` for a cache type that llama.cpp does not have */
  constructor(files: ModelFiles, { options, abort }: { options: EngineOptions; abort: AbortFlag }) {
    this.#files = files;
    this.#options = options;
    this.#abort = abort;
    this.#cacheType = cacheTypeOf(options.cacheType);
    this.#native = options.native;
    this.#rows = new PictureRows({
      dim: files.decoder.dim,
      pictureKey: this.#pictureKey,
      kept: () => this.#kept,
      openEncoder: () => this.#openEncoder(),
      maxBytes: options.questions > 1 ? recentRowsBytes : 0,
      trace: options.trace,
    });
  }

  /** Loads the libraries, but no weights. */
  async start(signal?: AbortSignal): Promise<Native> {
    if (this.#native) return this.#native;
    const starting = (this.#starting ??= this.#open(signal));
    try {
      return (this.#native = await starting);
    } finally {
      this.#starting = undefined;
    }
  }

  #open(signal: AbortSignal | undefined): Promise<Native> {
    const { gpu, verdictFolder, onNotice = () => {}, onLog, trace } = this.#options;
    return traced({ trace, stage: 'libraries' }, () =>
      openWorking({
        gpu,
        verdictFolder,
        onNotice,
        onLog: (level, text) => onLog?.(`${level}: ${text}`),
        signal,
      }),
    );
  }

  /** Whether one more question can be begun, and if it needs so many tokens. */
  hasRoom(contextSize = 0): boolean {
    if (!this.#slots || this.#slots.isIdle) return true;
    return this.#slots.hasFree && this.#isLargeEnough(contextSize);
  }

  /** Tokens that the context should have for a question that needs so many. */
  contextFor(contextSize: number): number {
    const { growing = false, contextSize: wanted } = this.#options;
    if (!growing || wanted !== 'auto' || this.#isLargeEnough(contextSize)) return contextSize;
    return roomToGrow(this.#files, contextSize, this.#cacheType);
  }

  /** Loads what a question needs. Only when there is room for it. */
  async load({ contextSize, withImages, signal }: LoadOptions): Promise<Loaded> {
    const { tekken, model: gguf, decoder: config } = this.#files;
    const { batchSize, cache, trace } = this.#options;
    const native = await this.start(signal);
    signal?.throwIfAborted();
    await this.#kept?.settle(); // what the question before leaves must not pile up in memory
    if (!this.#isLargeEnough(contextSize)) {
      const detail = { context: contextSize };
      await traced({ trace, stage: 'weights', detail }, () =>
        this.#openContext(native, { contextSize, withImages, signal }),
      );
    }
    const control = [tekken.id('[IMG_BREAK]'), tekken.id('[IMG_END]')];
    this.#controlRows ??= await embeddingRows({ native, gguf, config }, control);
    const pictureKey = this.#pictureKey;
    if (cache && withImages) {
      const parts = { files: this.#files, native, cacheType: this.#cacheType, batchSize, pictureKey };
      this.#kept ??= await openKept(cache, parts);
    }
    const [imgBreak, imgEnd] = this.#controlRows;
    const [model, slots, rows, kept] = [this.#model!, this.#slots!, this.#rows, this.#kept];
    const questionEnd = tekken.id('[/INST]');
    return { model, slots, rows, kept, pictureKey, batchSize, questionEnd, imgBreak: imgBreak!, imgEnd: imgEnd! };
  }

  /** Loads the weights, and lets the decoder read each of them once. */
  async warm(signal: AbortSignal): Promise<void> {
    const { contextSize: wanted } = this.#options;
    const isCpu = mainDevice(await this.start(signal)).kind === 'cpu';
    // On a GPU the layers that go there are chosen now, and have to leave room for what will come.
    const least = isCpu ? 1 : largestPicture(this.#files) + questionRoom;
    const contextSize = wanted === 'auto' ? Math.min(least, this.#files.decoder.trainedContext) : wanted;
    const { slots } = await this.load({ contextSize, withImages: true, signal });
    const { sequence } = slots.takeEmpty();
    await sequence.appendIds([this.#files.tekken.id('<s>')], signal);
    sequence.truncate(0);
  }

  /**
   * Lets the tower look at the pictures of the next question while others are answered. Only on a GPU, whose arithmetic
   * rests while weights are read: on a CPU both would share the same cores, and measured as long as one after the other.
   */
  lookAhead(question: Question | undefined, signal: AbortSignal | undefined): void {
    if (!question || !this.#hasGpu) return;
    const images = question.messages.flatMap(({ content }) => imagesOf(content));
    const unknown = images.filter((image) => this.#slots?.holdsPicture(this.#pictureKey(image)) !== true);
    this.#rows.ahead(unknown, signal);
  }

  async close(): Promise<void> {
    await this.#starting?.catch(() => {}); // whoever has started it is told
    await this.#rows.settle();
    await this.#kept?.settle();
    this.#closeContext();
    this.#model?.close();
    this.#encoder?.close();
    await this.#native?.close();
    this.#model = this.#encoder = this.#native = undefined;
  }

  #isLargeEnough(contextSize: number): boolean {
    return this.#context !== undefined && !this.#context.isSpoiled && this.#context.contextSize >= contextSize;
  }

  async #openContext(native: Native, { contextSize, withImages, signal }: LoadOptions): Promise<void> {
    const moved =
      this.#options.growing === true ? await this.#slots?.leave(availableMemory() * shareToMove) : undefined;
    this.#closeContext();
    const { batchSize, gpuLayers: layers, questions } = this.#options;
    const device = mainDevice(native);
    this.#hasGpu = device.kind !== 'cpu';
    // The tower is opened behind the decoder, perhaps for a later question: what it will take must be left.
    const towerBytes = withImages || questions > 1 ? this.#towerBytes() : 0;
    const shape = { contextSize, cacheType: this.#cacheType, batchSize };
    const loaded = this.#gpuLayers;
    const isLoaded = loaded !== undefined;
    const sequences = chooseSequences(this.#files, { ...shape, wanted: this.#options, device, towerBytes, isLoaded });
    const gpuLayers = chooseGpuLayers(this.#files, {
      ...shape,
      sequences,
      device,
      gpuLayers: layers,
      loaded,
      towerBytes,
    });
    checkMainMemory(this.#files, { ...shape, sequences, gpuLayers });
    if (!isLoaded) await this.#tryApart(native, signal);
    const abort = this.#abort;
    this.#model ??= await DecoderModel.open({ native, gguf: this.#files.model, gpuLayers, abort, signal });
    this.#gpuLayers = gpuLayers;
    const threads = this.#threads(native);
    this.#context = await DecoderContext.open(this.#model, { ...shape, sequences, threads, abort });
    this.#slots = new Slots(this.#context);
    if (moved) await this.#slots.enter(moved);
  }

  async #tryApart(native: Native, signal: AbortSignal | undefined): Promise<void> {
    const { gpu, trialFolder: folder } = this.#options;
    if (folder === undefined) return;
    await requireSurvivor(this.#files, { ...modelTrialOptions, folder, gpu, runtime: runtimeMark(native), signal });
  }

  /** What the tower will still take. */
  #towerBytes(): number {
    return towerComputeBytes(this.#files) + (this.#encoder ? 0 : towerWeightBytes(this.#files));
  }

  #closeContext(): void {
    this.#context?.close();
    this.#context = this.#slots = undefined;
  }

  async #openEncoder(): Promise<VisionEncoder> {
    if (this.#encoder) return this.#encoder;
    const native = await this.start();
    return (this.#encoder = await traced({ trace: this.#options.trace, stage: 'tower_weights' }, () =>
      VisionEncoder.open({
        native,
        gguf: this.#files.mmproj,
        device: mainDevice(native),
        threads: this.#threads(native),
        abort: this.#abort,
      }),
    ));
  }

  #threads({ mathCores }: Native): number {
    return this.#options.threads === 'auto' ? chooseThreads(this.#files, mathCores) : this.#options.threads;
  }
}

/** Ids of the largest picture that is ever shown. */
function largestPicture({ image }: ModelFiles): number {
  const side = Math.ceil(image.maxImageSize / (image.patchSize * image.spatialMergeSize));
  return side * (side + 1);
}
