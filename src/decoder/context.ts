import { PixtralError } from '../base/errors.ts';
import type { AbortFlag } from '../native/abort-flag.ts';
import { type Pointer, callAsync } from '../native/bind.ts';
import { flashAttention } from '../native/llama.ts';
import { SequencePointers } from '../native/sequence-pointers.ts';
import { type ThreadPool, openThreadPool } from '../native/thread-pool.ts';
import { type CacheType, cacheTypes } from './cache-types.ts';
import type { DecoderModel } from './model.ts';
import { Sequence } from './sequence.ts';

export interface ContextOptions {
  /** Tokens that fit into each sequence: prompt and answer together. */
  contextSize: number;
  /** Sequences that can be in work at once, each with cells of its own. */
  sequences: number;
  /** Tokens per prefill step. */
  batchSize: number;
  threads: number;
  cacheType: CacheType;
  abort: AbortFlag;
}

/** Tokens or rows for one call, each with its sequence; one sequence's stand together, sequences by rising id. */
export interface Batch {
  token?: Int32Array | undefined;
  /** [sequenceIds.length, dim] */
  embd?: Float32Array | undefined;
  sequenceIds: readonly number[];
  /** 1 for each that needs logits; the last one alone by default. */
  wanted?: Int8Array | undefined;
}

/** `llama_decode` results (llama.h, line 998). */
const decodeStatus = { ok: 0, noSlot: 1, aborted: 2 } as const;

/** Views that are kept; llama.cpp moves the logits when a call asks for more of them than any before. */
const maxRows = 256;

/** llama.cpp rounds a sequence's cells up to it. */
const cellStep = 256;

/** Several sequences of tokens and embedding rows, each with its part of the KV cache. */
export class DecoderContext {
  readonly model: DecoderModel;
  readonly handle: Pointer;
  /** Of each sequence. */
  readonly contextSize: number;
  readonly batchSize: number;
  /** Tokens that one call may append, all sequences together. */
  readonly callSize: number;
  readonly sequences: readonly Sequence[];
  /** A sequence came to no numbers. What it leaves in its cells would poison others there, masked out or not. */
  isSpoiled = false;
  /** A copy between sequences has been asked for: the next call moves the values. */
  isCopying = false;
  /** By address: llama.cpp writes the logits of each call to the same places. */
  readonly #rows = new Map<Pointer, Float32Array>();
  readonly #pointers: SequencePointers;
  readonly #threads: ThreadPool | undefined;
  #calls = 0;

  private constructor(model: DecoderModel, handle: Pointer, { sequences, batchSize, threads }: ContextOptions) {
    const { native } = model;
    this.model = model;
    this.handle = handle;
    this.contextSize = native.llama.sequenceSize(handle);
    this.batchSize = batchSize;
    this.callSize = callSizeOf({ batchSize, sequences });
    this.#pointers = new SequencePointers(sequences);
    this.sequences = Array.from({ length: sequences }, (_, id) => new Sequence(this, id));
    this.#threads = openThreadPool(native, threads);
    if (this.#threads) native.llama.attachThreadPool(handle, this.#threads.handle, this.#threads.handle);
  }

  /** @throws PixtralError `machine` when the KV cache cannot be allocated */
  static async open(model: DecoderModel, options: ContextOptions): Promise<DecoderContext> {
    const { llama } = model.native;
    const { contextSize, sequences } = options;
    const { type } = cacheTypes[options.cacheType];
    const callSize = callSizeOf(options);
    const parameters = {
      ...llama.contextDefaultParams(),
      n_ctx: Math.ceil(contextSize / cellStep) * cellStep * sequences,
      n_batch: callSize,
      n_ubatch: callSize,
      n_seq_max: sequences,
      // Each sequence in cells of its own: what its neighbours hold changes neither its shapes nor its place.
      kv_unified: false,
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
      const each = sequences === 1 ? '' : `${sequences} times `;
      throw new PixtralError(
        'machine',
        `KV cache: ${each}${contextSize} tokens in ${options.cacheType} do not fit into memory`,
        { hint: `use a smaller ${sequences === 1 ? '' : '--parallel or '}--context, or --cache-type q8_0` },
      );
    }
    return new DecoderContext(model, handle, options);
  }

  /** Grows with each call: logits are those of the last one. */
  get calls(): number {
    return this.#calls;
  }

  /** For sequences, which have checked what they append. */
  async decode({ token, embd, sequenceIds, wanted }: Batch, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const batch = {
      n_tokens: sequenceIds.length,
      token: token ?? null,
      embd: embd ?? null,
      // NULL: positions follow the cache, logits for the last token only.
      pos: null,
      n_seq_id: new Int32Array(sequenceIds.length).fill(1), // read without a look whether it is NULL
      seq_id: this.#pointers.of(sequenceIds),
      logits: wanted ?? null,
    };
    this.#calls++;
    const status = await callAsync(this.model.native.llama.decode, this.handle, batch);
    signal?.throwIfAborted();
    if (status !== decodeStatus.ok) throw decodeError(status);
    this.isCopying = false;
  }

  /** Logits of the token that has this place in the last call, [vocabulary]; gone with the next call. */
  logitsAt(index: number): Float32Array {
    const { native, config } = this.model;
    const at = native.llama.getLogitsIth(this.handle, index);
    if (at === null) throw new Error('llama.cpp has no logits');
    let row = this.#rows.get(at);
    if (!row) {
      if (this.#rows.size >= maxRows) this.#rows.clear();
      this.#rows.set(at, (row = native.viewFloats(at, config.vocabularySize)));
    }
    return row;
  }

  memory(): Pointer {
    const memory = this.model.native.llama.getMemory(this.handle);
    if (memory === null) throw new Error('llama.cpp: the context has no memory');
    return memory;
  }

  close(): void {
    this.model.native.llama.free(this.handle);
    this.#threads?.close();
  }
}

/** One call may append to each: llama.cpp ends the process at more. */
function callSizeOf({ batchSize, sequences }: Pick<ContextOptions, 'batchSize' | 'sequences'>): number {
  return Math.max(batchSize, sequences);
}

function decodeError(status: number): PixtralError {
  const reason = status === decodeStatus.noSlot ? 'the KV cache is full' : `llama_decode returned ${status}`;
  return new PixtralError('machine', `decoder: ${reason}`, { hint: '--verbose shows the log of llama.cpp' });
}
