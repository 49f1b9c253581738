import { isCacheType, cacheTypes } from '../decoder/cache-types.ts';
import { DecoderContext } from '../decoder/context.ts';
import { embeddingRows } from '../decoder/embedding-rows.ts';
import { DecoderModel } from '../decoder/model.ts';
import { PixtralError } from '../base/errors.ts';
import type { Picture } from '../image/load.ts';
import { AbortFlag } from '../native/abort-flag.ts';
import { mainDevice } from '../native/devices.ts';
import { type Native, openNative } from '../native/native.ts';
import { type Run, encodePrompt } from '../prompt/encode.ts';
import type { Message } from '../prompt/message.ts';
import { VisionEncoder } from '../vision/encoder.ts';
import { checkMainMemory, chooseContextSize, chooseGpuLayers, towerComputeBytes } from './budget.ts';
import type { Answer, AskOptions, EngineEvent, EngineOptions } from './events.ts';
import { stageClock } from './clock.ts';
import { formatted } from './formatted.ts';
import { generate } from './generate.ts';
import { type Kept, openKept } from './kept.ts';
import { type ModelFiles, readModelFiles } from './model-files.ts';
import { prefill } from './prefill.ts';
import { pictureReceipt } from './receipt.ts';

/** Everything that holds native memory, made in this order and closed in reverse. */
interface Loaded {
  native: Native;
  model: DecoderModel;
  context: DecoderContext;
  imgBreak: Float32Array;
  imgEnd: Float32Array;
  kept: Kept | undefined;
}

/**
 * A model ready to be asked. Headers and tokenizer are read at once; weights are loaded by the first question,
 * after its prompt has been found to fit.
 */
export class Engine {
  readonly files: ModelFiles;
  readonly #options: EngineOptions;
  readonly #abort = new AbortFlag();
  #native: Native | undefined;
  #encoder: VisionEncoder | undefined;
  #model: DecoderModel | undefined;
  #context: DecoderContext | undefined;
  #kept: Kept | undefined;
  /** Of [IMG_BREAK] and [IMG_END]. */
  #controlRows: Float32Array[] | undefined;

  constructor(files: ModelFiles, options: EngineOptions) {
    this.files = files;
    this.#options = options;
    this.#native = options.native;
  }

  /**
   * Answers the last user message. Yields stages, text as it comes, and the whole answer at the end.
   * Stops within a graph node of `signal` firing and throws its reason.
   */
  async *ask(messages: readonly Message<Picture>[], options: AskOptions): AsyncGenerator<EngineEvent, void> {
    const { signal } = options;
    const stop = (): void => this.#abort.set();
    signal?.addEventListener('abort', stop);
    try {
      signal?.throwIfAborted();
      this.#abort.clear();
      yield* formatted(this.#answer(messages, options), options.format);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Loads the libraries, but no weights: whoever has many questions learns at once that none can be answered. */
  async start(): Promise<void> {
    await this.#openNative();
  }

  async close(): Promise<void> {
    await this.#kept?.settle();
    this.#context?.close();
    this.#model?.close();
    this.#encoder?.close();
    await this.#native?.close();
    this.#context = this.#model = this.#encoder = this.#native = undefined;
  }

  async *#answer(messages: readonly Message<Picture>[], options: AskOptions): AsyncGenerator<EngineEvent, void> {
    const { tekken } = this.files;
    const clock = stageClock();
    const runs = encodePrompt(messages, tekken);
    const promptTokens = runs.reduce((sum, { ids }) => sum + ids.length, 0);
    const contextSize = chooseContextSize(this.files, { ...this.#options, promptTokens, maxTokens: options.maxTokens });

    yield { kind: 'stage', stage: 'load' };
    const { signal } = options;
    const loaded = await clock.time('load_ms', () =>
      this.#load({ contextSize, withImages: runs.some(isImage), signal }),
    );
    const openEncoder = (): Promise<VisionEncoder> => this.#openEncoder(loaded.native);
    const cached = yield* prefill(runs, { ...loaded, openEncoder, clock, signal });

    yield { kind: 'stage', stage: 'decode' };
    const { text, finish, tokens, details } = yield* generate(options, { ...loaded, tekken, clock });
    yield {
      kind: 'answer',
      answer: {
        model: this.files.name,
        text,
        finish,
        images: runs.filter(isImage).map(({ image }) => ({ ...pictureReceipt(image), cached: cached.has(image) })),
        usage: {
          prompt: promptTokens,
          image: runs.filter(isImage).reduce((sum, { ids }) => sum + ids.length, 0),
          completion: tokens.length,
        },
        timings: clock.timings,
        sampling: samplingReceipt(options),
        ...details,
      },
    };
  }

  async #load({
    contextSize,
    withImages,
    signal,
  }: {
    contextSize: number;
    withImages: boolean;
    signal: AbortSignal | undefined;
  }): Promise<Loaded> {
    const { files } = this;
    const { batchSize } = this.#options;
    const cacheType = cacheTypeOf(this.#options.cacheType);
    const native = await this.#openNative();
    signal?.throwIfAborted();
    await this.#kept?.settle(); // what the question before leaves must not pile up in memory
    if (!this.#reuseContext(contextSize)) {
      const threads = this.#threads(native);
      const abort = this.#abort;
      const gpuLayers = chooseGpuLayers(files, {
        device: mainDevice(native),
        gpuLayers: this.#options.gpuLayers,
        contextSize,
        cacheType,
        batchSize,
        towerBytes: withImages ? towerComputeBytes(files) : 0,
      });
      checkMainMemory(files, { contextSize, cacheType, batchSize, gpuLayers });
      this.#model ??= await DecoderModel.open({ native, gguf: files.model, gpuLayers, abort, signal });
      this.#context = await DecoderContext.open(this.#model, { contextSize, batchSize, threads, cacheType, abort });
    }
    const control = [files.tekken.id('[IMG_BREAK]'), files.tekken.id('[IMG_END]')];
    this.#controlRows ??= await embeddingRows({ native, gguf: files.model, config: files.decoder }, control);
    const [imgBreak, imgEnd] = this.#controlRows;
    if (this.#options.cache && withImages) {
      this.#kept ??= await openKept(this.#options.cache, { files, native, cacheType, batchSize });
    }
    return {
      native,
      model: this.#model!,
      context: this.#context!,
      imgBreak: imgBreak!,
      imgEnd: imgEnd!,
      kept: this.#kept,
    };
  }

  /** Opening a context takes longer than emptying one; a larger one answers the same. */
  #reuseContext(contextSize: number): boolean {
    if (this.#context && this.#context.contextSize >= contextSize) {
      this.#context.clear();
      return true;
    }
    this.#context?.close();
    this.#context = undefined;
    return false;
  }

  async #openNative(): Promise<Native> {
    const { gpu, onLog } = this.#options;
    return (this.#native ??= await openNative({ gpu, onLog: (level, text) => onLog?.(`${level}: ${text}`) }));
  }

  async #openEncoder(native: Native): Promise<VisionEncoder> {
    return (this.#encoder ??= await VisionEncoder.open({
      native,
      gguf: this.files.mmproj,
      device: mainDevice(native),
      threads: this.#threads(native),
      abort: this.#abort,
    }));
  }

  #threads({ mathCores }: Native): number {
    return this.#options.threads === 'auto' ? mathCores : this.#options.threads;
  }
}

/** Reads and checks the model's files; no weights are loaded yet. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  cacheTypeOf(options.cacheType);
  return new Engine(await readModelFiles(options), options);
}

function cacheTypeOf(name: string) {
  if (isCacheType(name)) return name;
  throw new PixtralError('usage', `--cache-type ${name}: expected one of ${Object.keys(cacheTypes).join(', ')}`);
}

function isImage(run: Run<Picture>): run is Extract<Run<Picture>, { kind: 'image' }> {
  return run.kind === 'image';
}

function samplingReceipt(options: AskOptions): Answer['sampling'] {
  const { temperature, topP, topK, minP, repeatPenalty, seed } = options;
  return { temperature, top_p: topP, top_k: topK, min_p: minP, repeat_penalty: repeatPenalty, seed };
}
