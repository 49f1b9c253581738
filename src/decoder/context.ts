import { PixtralError } from '../base/errors.ts';
import type { AbortFlag } from '../native/abort-flag.ts';
import { type Pointer, callAsync } from '../native/bind.ts';
import { flashAttention } from '../native/llama.ts';
import { type ThreadPool, openThreadPool } from '../native/thread-pool.ts';
import { type CacheType, cacheTypes } from './cache-types.ts';
import type { DecoderModel } from './model.ts';

export interface ContextOptions {
  /** Tokens that fit: prompt and answer together. */
  contextSize: number;
  /** Tokens per prefill step. */
  batchSize: number;
  threads: number;
  cacheType: CacheType;
  abort: AbortFlag;
}

/** `llama_decode` results (llama.h, line 998). */
const decodeStatus = { ok: 0, noSlot: 1, aborted: 2 } as const;

/** Its id in llama.cpp. */
const onlySequence = 0;

/** One sequence of tokens and embedding rows, with its KV cache. */
export class DecoderContext {
  readonly model: DecoderModel;
  readonly handle: Pointer;
  readonly contextSize: number;
  readonly #batchSize: number;
  readonly #threads: ThreadPool | undefined;
  #length = 0;

  private constructor(model: DecoderModel, handle: Pointer, { batchSize, threads }: ContextOptions) {
    const { native } = model;
    this.model = model;
    this.handle = handle;
    this.contextSize = native.llama.contextSize(handle);
    this.#batchSize = batchSize;
    this.#threads = openThreadPool(native, threads);
    if (this.#threads) native.llama.attachThreadPool(handle, this.#threads.handle, this.#threads.handle);
  }

  /** @throws PixtralError `machine` when the KV cache cannot be allocated */
  static async open(model: DecoderModel, options: ContextOptions): Promise<DecoderContext> {
    const { llama } = model.native;
    const { type } = cacheTypes[options.cacheType];
    const parameters = {
      ...llama.contextDefaultParams(),
      n_ctx: options.contextSize,
      n_batch: options.batchSize,
      n_ubatch: options.batchSize,
      n_seq_max: 1,
      n_threads: options.threads,
      n_threads_batch: options.threads,
      type_k: type,
      type_v: type,
      // f32 is asked for exactness: the fused kernel would round.
      flash_attn_type: options.cacheType === 'f32' ? flashAttention.disabled : flashAttention.auto,
      abort_callback: model.native.address('ggml_is_empty'),
      abort_callback_data: options.abort.data,
    };
    const handle = await callAsync(llama.initFromModel, model.handle, parameters);
    if (handle === null) {
      throw new PixtralError(
        'machine',
        `KV cache: ${options.contextSize} tokens in ${options.cacheType} do not fit into memory`,
        {
          hint: 'use a smaller --context, or --cache-type q8_0',
        },
      );
    }
    return new DecoderContext(model, handle, options);
  }

  /** Tokens and rows so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends token ids. */
  async appendIds(ids: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    const { vocabularySize } = this.model.config;
    const outside = ids.find((id) => !(id >= 0 && id < vocabularySize));
    if (outside !== undefined) throw new Error(`id ${outside} is outside the vocabulary of ${vocabularySize}`);
    for (let start = 0; start < ids.length; start += this.#batchSize) {
      const tokens = Int32Array.from(ids.slice(start, start + this.#batchSize));
      await this.#decode({ token: tokens, embd: undefined, count: tokens.length }, signal);
    }
  }

  /** Appends embedding rows, [count, dim]. */
  async appendRows(rows: Float32Array, signal: AbortSignal | undefined): Promise<void> {
    const { dim } = this.model.config;
    if (rows.length % dim !== 0) throw new Error(`${rows.length} values are no rows of ${dim}`);
    const total = rows.length / dim;
    for (let start = 0; start < total; start += this.#batchSize) {
      const count = Math.min(this.#batchSize, total - start);
      const slice = rows.subarray(start * dim, (start + count) * dim);
      await this.#decode({ token: undefined, embd: slice, count }, signal);
    }
  }

  /** Logits after the last token or row, [vocabulary]. */
  logits(): Float32Array {
    const { llama } = this.model.native;
    const at = llama.getLogitsIth(this.handle, -1);
    if (at === null) throw new Error('llama.cpp has no logits: nothing was decoded');
    return this.model.native.readFloats(at, this.model.config.vocabularySize);
  }

  /** Bytes that `state` would take now. */
  stateByteLength(): number {
    return this.model.native.llama.stateByteLength(this.handle, onlySequence);
  }

  /** Keys and values of everything appended so far, for `restore`. Without logits: append something before sampling. */
  async state(): Promise<Uint8Array> {
    const { llama } = this.model.native;
    const state = Buffer.allocUnsafeSlow(this.stateByteLength());
    const written = await callAsync(llama.stateGet, this.handle, state, state.byteLength, onlySequence);
    return state.subarray(0, written);
  }

  /**
   * Takes up where `state` was called, `length` tokens and rows into a prompt, in a context without any.
   * Returns false, and stays empty, when llama.cpp refuses it (another cache type, too little room).
   */
  async restore(state: Uint8Array, length: number): Promise<boolean> {
    const { llama } = this.model.native;
    const read = await callAsync(llama.stateSet, this.handle, state, state.byteLength, onlySequence);
    if (read === state.byteLength) {
      this.#length = length;
      return true;
    }
    this.clear();
    return false;
  }

  /** Forgets everything. Values go too: an infinity left behind would poison what is masked out. */
  clear(): void {
    const { llama } = this.model.native;
    const memory = llama.getMemory(this.handle);
    if (memory !== null) llama.memoryClear(memory, true);
    this.#length = 0;
  }

  close(): void {
    this.model.native.llama.free(this.handle);
    this.#threads?.close();
  }

  async #decode(
    { token, embd, count }: { token: Int32Array | undefined; embd: Float32Array | undefined; count: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted();
    if (this.#length + count > this.contextSize) {
      throw new PixtralError('input', `prompt: ${this.#length + count} tokens, the context holds ${this.contextSize}`, {
        hint: 'raise --context or shorten the prompt',
      });
    }
    const { llama } = this.model.native;
    const batch = {
      n_tokens: count,
      token: token ?? null,
      embd: embd ?? null,
      // NULL: positions follow the cache, one sequence, logits for the last one only.
      pos: null,
      n_seq_id: null,
      seq_id: null,
      logits: null,
    };
    const status = await callAsync(llama.decode, this.handle, batch);
    signal?.throwIfAborted();
    if (status !== decodeStatus.ok) throw decodeError(status);
    this.#length += count;
  }
}

function decodeError(status: number): PixtralError {
  const reason = status === decodeStatus.noSlot ? 'the KV cache is full' : `llama_decode returned ${status}`;
  return new PixtralError('machine', `decoder: ${reason}`, { hint: '--verbose shows the log of llama.cpp' });
}
