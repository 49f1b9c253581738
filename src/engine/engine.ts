import { isCacheType, cacheTypes } from '../decoder/cache-types.ts';
import { DecoderContext } from '../decoder/context.ts';
import { embeddingRows } from '../decoder/embedding-rows.ts';
import { DecoderModel } from '../decoder/model.ts';
import { PixtralError } from '../base/errors.ts';
import type { Grid } from '../image/grid.ts';
import type { Picture } from '../image/load.ts';
import { picturePatches } from '../image/patches.ts';
import { AbortFlag } from '../native/abort-flag.ts';
import { mainDevice } from '../native/devices.ts';
import { type Native, openNative } from '../native/native.ts';
import { type Run, encodePrompt } from '../prompt/encode.ts';
import type { Message } from '../prompt/message.ts';
import { VisionEncoder } from '../vision/encoder.ts';
import { checkMainMemory, chooseContextSize, chooseGpuLayers, towerComputeBytes } from './budget.ts';
import type { Answer, AskOptions, EngineEvent, EngineOptions, ImageReceipt } from './events.ts';
import { type StageClock, stageClock } from './clock.ts';
import { formatted } from './formatted.ts';
import { generate } from './generate.ts';
import { imageRows } from './image-rows.ts';
import { type ModelFiles, readModelFiles } from './model-files.ts';
import { gridOf } from './tokens.ts';

/** A picture with the grid that the model will see it in. */
interface PlacedPicture {
  picture: Picture;
  grid: Grid;
}

/** Everything that holds native memory, made in this order and closed in reverse. */
interface Loaded {
  native: Native;
  encoder: VisionEncoder | undefined;
  model: DecoderModel;
  context: DecoderContext;
  imgBreak: Float32Array;
  imgEnd: Float32Array;
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

  async close(): Promise<void> {
    this.#context?.close();
    this.#model?.close();
    this.#encoder?.close();
    await this.#native?.close();
    this.#context = this.#model = this.#encoder = this.#native = undefined;
  }

  async *#answer(messages: readonly Message<Picture>[], options: AskOptions): AsyncGenerator<EngineEvent, void> {
    const { tekken } = this.files;
    const clock = stageClock();
    const runs = encodePrompt(place(messages, this.files), tekken);
    const promptTokens = runs.reduce((sum, { ids }) => sum + ids.length, 0);
    const contextSize = chooseContextSize(this.files, { ...this.#options, promptTokens, maxTokens: options.maxTokens });

    yield { kind: 'stage', stage: 'load' };
    const loaded = await clock.time('load_ms', () =>
      this.#load({ contextSize, withImages: runs.some(isImage), signal: options.signal }),
    );
    yield* this.#prefill(runs, { loaded, clock, signal: options.signal });

    yield { kind: 'stage', stage: 'decode' };
    const { text, finish, tokens, details } = yield* generate(options, { ...loaded, tekken, clock });
    yield {
      kind: 'answer',
      answer: {
        model: this.files.name,
        text,
        finish,
        images: runs.filter(isImage).map(({ image, ids }) => receipt(image, ids.length)),
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

  /** Feeds the prompt, picture by picture: one picture's patches and rows are in memory at a time. */
  async *#prefill(
    runs: readonly Run<PlacedPicture>[],
    { loaded, clock, signal }: { loaded: Loaded; clock: StageClock; signal: AbortSignal | undefined },
  ): AsyncGenerator<EngineEvent, void> {
    let pictures = 0;
    for (const run of runs) {
      if (run.kind === 'image') {
        yield { kind: 'stage', stage: 'encode', detail: run.image.picture.source };
        const rows = await this.#encode(run.image, { loaded, clock, signal });
        yield { kind: 'stage', stage: 'prefill', detail: `picture ${++pictures}` };
        await clock.time('prefill_ms', () => loaded.context.appendRows(rows, signal));
      } else {
        yield { kind: 'stage', stage: 'prefill' };
        await clock.time('prefill_ms', () => loaded.context.appendIds(run.ids, signal));
      }
    }
  }

  async #encode(
    { picture, grid }: PlacedPicture,
    { loaded, clock, signal }: { loaded: Loaded; clock: StageClock; signal: AbortSignal | undefined },
  ): Promise<Float32Array> {
    const { encoder, imgBreak, imgEnd } = loaded;
    if (!encoder) throw new Error('the vision tower was not loaded');
    const merge = encoder.config.spatialMergeSize;
    const patches = await clock.time('image_ms', async () => picturePatches(picture, this.files.image));
    const encoded = await clock.time('encode_ms', () =>
      encoder.encode(
        { columns: grid.columns * merge, rows: grid.rows * merge, values: patches.values },
        { keepTower: false, signal },
      ),
    );
    return imageRows(encoded.rows, { columns: grid.columns, rows: grid.rows, imgBreak, imgEnd });
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
    const { gpu, onLog, batchSize } = this.#options;
    const cacheType = cacheTypeOf(this.#options.cacheType);
    const native = (this.#native ??= await openNative({ gpu, onLog: (level, text) => onLog?.(`${level}: ${text}`) }));
    signal?.throwIfAborted();
    const threads = this.#options.threads === 'auto' ? native.mathCores : this.#options.threads;
    const abort = this.#abort;
    if (withImages) {
      this.#encoder ??= await VisionEncoder.open({
        native,
        gguf: files.mmproj,
        device: mainDevice(native),
        threads,
        abort,
      });
    }
    signal?.throwIfAborted();
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
    this.#context?.close();
    this.#context = undefined;
    this.#context = await DecoderContext.open(this.#model, { contextSize, batchSize, threads, cacheType, abort });
    const control = [files.tekken.id('[IMG_BREAK]'), files.tekken.id('[IMG_END]')];
    const [imgBreak, imgEnd] = await embeddingRows({ native, gguf: files.model, config: files.decoder }, control);
    return {
      native,
      encoder: this.#encoder,
      model: this.#model,
      context: this.#context,
      imgBreak: imgBreak!,
      imgEnd: imgEnd!,
    };
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

function place(messages: readonly Message<Picture>[], { image }: ModelFiles): Message<PlacedPicture>[] {
  return messages.map((message) => ({
    ...message,
    content: message.content.map((chunk) => {
      if (chunk.kind === 'text') return chunk;
      return { kind: 'image', image: { picture: chunk.image, grid: gridOf(chunk.image, image) } };
    }),
  }));
}

function isImage(run: Run<PlacedPicture>): run is Extract<Run<PlacedPicture>, { kind: 'image' }> {
  return run.kind === 'image';
}

function receipt({ picture, grid }: PlacedPicture, tokens: number): ImageReceipt {
  return {
    source: picture.source,
    sha256: picture.sha256,
    width: picture.width,
    height: picture.height,
    seen: [grid.width, grid.height],
    grid: [grid.columns, grid.rows],
    tokens,
    cached: false,
  };
}

function samplingReceipt(options: AskOptions): Answer['sampling'] {
  const { temperature, topP, topK, minP, repeatPenalty, seed } = options;
  return { temperature, top_p: topP, top_k: topK, min_p: minP, repeat_penalty: repeatPenalty, seed };
}
