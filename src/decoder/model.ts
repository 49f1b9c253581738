import { PixtralError } from '../base/errors.ts';
import type { Gguf } from '../gguf/types.ts';
import type { AbortFlag } from '../native/abort-flag.ts';
import { type Pointer, callAsync } from '../native/bind.ts';
import { Handles } from '../native/handles.ts';
import type { Native } from '../native/native.ts';
import { type DecoderConfig, decoderConfig } from './config.ts';
import { Logits } from './logits.ts';

export interface ModelOptions {
  native: Native;
  gguf: Gguf;
  /** Layers on the GPU, the output layer counted as one more; 0 = all on the CPU. */
  gpuLayers: number;
  abort: AbortFlag;
  signal: AbortSignal | undefined;
}

/** The decoder's weights in llama.cpp. */
export class DecoderModel {
  readonly config: DecoderConfig;
  readonly handle: Pointer;
  readonly vocab: Pointer;
  readonly native: Native;
  readonly #handles: Handles;
  #logits: Logits | undefined;
  #changedLogits: Logits | undefined;

  private constructor(
    native: Native,
    { config, handle, handles }: { config: DecoderConfig; handle: Pointer; handles: Handles },
  ) {
    this.native = native;
    this.config = config;
    this.handle = handle;
    this.#handles = handles;
    const vocab = native.llama.modelVocab(handle);
    if (vocab === null) throw new Error('llama.cpp: the model has no vocabulary');
    this.vocab = vocab;
  }

  /**
   * Loads the weights on a worker thread.
   * @throws PixtralError `model` when llama.cpp refuses the file; the abort reason when `signal` fired
   */
  static async open({ native, gguf, gpuLayers, abort, signal }: ModelOptions): Promise<DecoderModel> {
    const config = decoderConfig(gguf);
    signal?.throwIfAborted();
    const parameters = {
      ...native.llama.modelDefaultParams(),
      n_gpu_layers: gpuLayers,
      // A float before the pointer shifts the pointer's register on Windows only: see AbortFlag.
      progress_callback: process.platform === 'win32' ? null : native.address('ggml_is_scalar'),
      progress_callback_user_data: abort.data,
    };
    const loading = callAsync(native.llama.modelLoadFromFile, gguf.path, parameters);
    const handle = await loadedOrAbandoned(loading, { native, signal });
    const handles = new Handles();
    if (handle !== null) handles.own('a model', handle, (made) => native.llama.modelFree(made));
    try {
      signal?.throwIfAborted();
      if (handle === null) {
        throw new PixtralError('model', `${gguf.path}: llama.cpp could not load it`, {
          hint: '--verbose shows the reason it gives',
        });
      }
      return new DecoderModel(native, { config, handle, handles });
    } catch (thrown) {
      handles.close();
      throw thrown;
    }
  }

  /** Where the logits of one sequence are looked at after those of the other. */
  get logits(): Logits {
    return (this.#logits ??= new Logits(this.config.vocabularySize));
  }

  /** The same, where they are changed before they are looked at. */
  get changedLogits(): Logits {
    return (this.#changedLogits ??= new Logits(this.config.vocabularySize));
  }

  /** Whether a token ends the answer (`</s>`). */
  endsGeneration(tokenId: number): boolean {
    return this.native.llama.vocabIsEndOfGeneration(this.vocab, tokenId);
  }

  close(): void {
    this.#handles.close();
  }
}

/** By then llama.cpp has stopped by its progress callback, or it sits in a system call. */
const stopMilliseconds = 400;

/**
 * Mapping a file that is not in memory yet is one system call of many seconds, which nothing but the end of the
 * process stops: whoever interrupts must not wait for it.
 */
function loadedOrAbandoned(
  loading: Promise<Pointer | null>,
  { native, signal }: { native: Native; signal: AbortSignal | undefined },
): Promise<Pointer | null> {
  if (!signal) return loading;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      timer = setTimeout(() => {
        native.abandon();
        reject(signal.reason as Error);
      }, stopMilliseconds);
    };
    signal.addEventListener('abort', stop, { once: true });
    loading.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    });
  });
}
