import { koffi } from './koffi.ts';

/** `seq_id` of llama_batch: for each token a pointer to the ids of its sequences, here always one. */
export class SequencePointers {
  /** In memory that does not move. */
  readonly #ids: Int32Array;
  readonly #first: bigint;

  constructor(sequences: number) {
    this.#ids = new Int32Array(new ArrayBuffer(sequences * 4));
    this.#ids.forEach((_, id) => (this.#ids[id] = id));
    this.#first = koffi.address(this.#ids);
  }

  /** Valid while this object is referenced; the array has to be referenced during the call. */
  of(sequenceIds: readonly number[]): BigUint64Array {
    return BigUint64Array.from(sequenceIds, (id) => {
      if (!(id in this.#ids)) throw new Error(`sequence ${id} is none of ${this.#ids.length}`);
      return this.#first + BigInt(id * 4);
    });
  }
}
