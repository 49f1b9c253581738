import { PixtralError } from '../base/errors.ts';
import { callAsync } from '../native/bind.ts';
import { otherStreamsByteLength, toOneStream, toStreams } from '../native/sequence-state.ts';
import type { DecoderContext } from './context.ts';
import { type Appended, type Part, jointCall, shares } from './joint-call.ts';

const noLogits = { call: -1, index: -1 };

/** One sequence of tokens and embedding rows in a context. */
export class Sequence {
  readonly context: DecoderContext;
  /** Its number in llama.cpp. */
  readonly id: number;
  #length = 0;
  /** Where its logits are: the call that made them, and the token in that call. */
  #logits = noLogits;
  /** Ids that its cells hold behind its own. */
  #guessed: readonly number[] = [];

  constructor(context: DecoderContext, id: number) {
    this.context = context;
    this.id = id;
  }

  /**
   * Appends ids to each of several sequences of one context in one call: the weights are read once for all of them. Each
   * that wants them has the logits after its last id. Sums are rounded in another order than in calls of their own. Of ids
   * that are more than its share of a call, a sequence is given the first ones before, in calls of its own.
   */
  static async appendJointly(next: readonly Appended[], signal: AbortSignal | undefined): Promise<void> {
    const [first] = next;
    if (!first) return;
    const { context } = first.sequence;
    for (const one of next) one.sequence.#prepare(one);
    const { before, last } = shares(next, context);
    for (const { sequence, ids } of before) await sequence.appendIds(ids, signal);
    const { parts, batch } = jointCall(last, context);
    try {
      await context.decode(batch, signal);
    } finally {
      for (const part of parts) part.sequence.#dropFill(part);
    }
    for (const part of parts) part.sequence.#joined(part);
  }

  /**
   * Takes ids that come next as far as they were guessed, with the logits behind them; what was guessed otherwise is
   * forgotten. Returns how many.
   */
  take(ids: readonly number[]): number {
    const guessed = this.#guessed;
    let taken = 0;
    while (taken < ids.length && guessed[taken] === ids[taken]) taken++;
    this.#length += taken;
    this.#guessed = guessed.slice(taken);
    this.#logits = { ...this.#logits, index: this.#logits.index + taken };
    if (taken < ids.length) this.dropGuesses();
    return taken;
  }

  dropGuesses(): void {
    if (this.#guessed.length === 0) return;
    this.#guessed = [];
    this.#forget(this.#length);
  }

  /** Tokens and rows so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends token ids, in steps of the context's batch size. */
  async appendIds(ids: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    const { batchSize } = this.context;
    this.#check({ ids, count: ids.length });
    for (let start = 0; start < ids.length; start += batchSize) {
      const token = Int32Array.from(ids.slice(start, start + batchSize));
      await this.#decode({ token, count: token.length }, signal);
    }
  }

  /** Appends embedding rows, [count, dim], in steps of the context's batch size. */
  async appendRows(rows: Float32Array, signal: AbortSignal | undefined): Promise<void> {
    const { batchSize } = this.context;
    const { dim } = this.context.model.config;
    if (rows.length % dim !== 0) throw new Error(`${rows.length} values are no rows of ${dim}`);
    const total = rows.length / dim;
    this.#check({ ids: [], count: total });
    for (let start = 0; start < total; start += batchSize) {
      const count = Math.min(batchSize, total - start);
      await this.#decode({ embd: rows.subarray(start * dim, (start + count) * dim), count }, signal);
    }
  }

  /**
   * Logits after the last token or row, [vocabulary]; gone with the next call on the context.
   * @throws PixtralError `machine` when they are no numbers
   */
  logits(): Float32Array {
    if (this.#logits.call !== this.context.calls) throw new Error('logits: gone, or nothing was decoded yet');
    const logits = this.context.logitsAt(this.#logits.index);
    if (!Number.isNaN(logits[0])) return logits; // a value on the way that is no number makes all of them none
    this.context.isSpoiled = true;
    throw new PixtralError('machine', 'decoder: its logits are no numbers', {
      hint: 'values may be too large for f16: try --cache-type bf16, or a model of another type',
    });
  }

  /** Bytes of `state` now. */
  stateByteLength(): number {
    return this.#rawStateByteLength() - otherStreamsByteLength(this.context.sequences.length);
  }

  /** Keys and values of everything appended so far, for `restore`. Without logits: append something before sampling. */
  async state(): Promise<Uint8Array> {
    const { handle, model, sequences } = this.context;
    const state = Buffer.allocUnsafeSlow(this.#rawStateByteLength());
    const written = await callAsync(model.native.llama.stateGet, handle, state, state.byteLength, this.id);
    return toOneStream(state.subarray(0, written), { stream: this.id, streams: sequences.length });
  }

  /**
   * Takes up where `state` was called, in this or another context, `length` tokens and rows into a prompt.
   * Returns false, and is empty, when llama.cpp refuses it (another cache type, too little room), or when the values of
   * a copy have still to move: they could fall upon it.
   */
  async restore(state: Uint8Array, length: number): Promise<boolean> {
    const { handle, model, sequences } = this.context;
    this.truncate(0);
    if (this.context.isCopying) return false;
    const streams = toStreams(state, sequences.length);
    const read = await callAsync(model.native.llama.stateSet, handle, streams, streams.byteLength, this.id);
    if (read === streams.byteLength) this.#length = length;
    else this.truncate(0);
    return this.#length > 0;
  }

  /** Becomes the beginning of another sequence; everything that it held is gone. */
  copyBeginning(other: Sequence, length: number): void {
    const { model } = this.context;
    model.native.llama.memoryCopy(this.context.memory(), other.id, this.id, -1, -1);
    this.context.isCopying = true;
    this.#length = other.length;
    this.truncate(length);
  }

  /** Forgets what comes after the first `length` tokens and rows. Without logits then. */
  truncate(length: number): void {
    this.#forget(length);
    this.#guessed = [];
    this.#length = length;
    this.#logits = noLogits;
  }

  #prepare({ ids, guesses = [] }: Appended): void {
    this.dropGuesses(); // positions follow the cells
    this.#check({ ids: [...ids, ...guesses], count: ids.length + guesses.length });
  }

  /** Also where the call failed: nobody asked for it. */
  #dropFill({ ids, guesses, fill }: Part): void {
    if (fill.length > 0) this.#forget(this.#length + ids.length + guesses.length);
  }

  #joined({ ids, guesses, wanted, end }: Part): void {
    this.#appended(ids.length, wanted ? end : undefined);
    this.#guessed = guesses;
  }

  #forget(behind: number): void {
    this.context.model.native.llama.memoryRemove(this.context.memory(), this.id, behind, -1);
  }

  async #decode(
    { token, embd, count }: { token?: Int32Array | undefined; embd?: Float32Array | undefined; count: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const sequenceIds = Array.from({ length: count }, () => this.id);
    await this.context.decode({ token, embd, sequenceIds }, signal);
    this.#appended(count, -1);
  }

  /** What llama.cpp would not survive. */
  #check({ ids, count }: { ids: readonly number[]; count: number }): void {
    const { contextSize, model } = this.context;
    const { vocabularySize } = model.config;
    const outside = ids.find((id) => !(id >= 0 && id < vocabularySize));
    if (outside !== undefined) throw new Error(`id ${outside} is outside the vocabulary of ${vocabularySize}`);
    if (this.#length + count <= contextSize) return;
    throw new PixtralError('input', `prompt: ${this.#length + count} tokens, the context holds ${contextSize}`, {
      hint: 'raise --context or shorten the prompt',
    });
  }

  /** @param index of the token whose logits were asked for; undefined for none */
  #appended(count: number, index: number | undefined): void {
    this.#length += count;
    this.#logits = index === undefined ? noLogits : { call: this.context.calls, index };
  }

  #rawStateByteLength(): number {
    return this.context.model.native.llama.stateByteLength(this.context.handle, this.id);
  }
}
