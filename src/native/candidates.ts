import { koffi } from './koffi.ts';

/** llama_token_data_array (llama.h, lines 236-243): data, size, selected, sorted. */
const arrayLayout = { size: 32, count: 1, selected: 2, sorted: 24 } as const;
/** llama_token_data (llama.h, lines 230-234): id, logit, p; four bytes each. */
const fieldsPerToken = 3;

/**
 * The tokens that llama.cpp's samplers choose from, in memory of ours: unlike `llama_sampler_sample`, which draws and
 * accepts in one call, this lets a token be refused before any sampler has taken it for granted.
 */
export class Candidates {
  /** What a sampler is applied to. */
  readonly header = new Uint8Array(new ArrayBuffer(arrayLayout.size));
  readonly #words = new BigInt64Array(this.header.buffer);
  readonly #most: number;
  #ids = new Int32Array();
  #logits = new Float32Array();

  constructor(most: number) {
    this.#most = most;
  }

  /** Every id with its logit, in the order of ids: whatever a sampler did before is gone. */
  fill(logits: Float32Array): void {
    this.#makeRoom(logits.length);
    for (let id = 0; id < logits.length; id++) this.#put(id * fieldsPerToken, id, logits[id]!);
    this.#begin(logits.length);
  }

  /** Some of them. */
  fillThese(logits: Float32Array, ids: readonly number[]): void {
    this.#makeRoom(ids.length);
    for (const [index, id] of ids.entries()) this.#put(index * fieldsPerToken, id, logits[id]!);
    this.#begin(ids.length);
  }

  /** Those whose bit is set in a mask, in the order of ids. Returns how many. */
  fillAllowed(logits: Float32Array, mask: Uint32Array): number {
    this.#makeRoom(this.#most);
    let at = 0;
    for (let word = 0; word < mask.length; word++) {
      for (let bits = mask[word]!, id = word * 32; bits !== 0; bits >>>= 1, id++) {
        if ((bits & 1) === 0) continue;
        this.#put(at, id, logits[id]!);
        at += fieldsPerToken;
      }
    }
    this.#begin(at / fieldsPerToken);
    return at / fieldsPerToken;
  }

  /** Whether a sampler that keeps the order (a grammar) left each of them in. */
  kept(): boolean[] {
    const count = Number(this.#words[arrayLayout.count]);
    return Array.from({ length: count }, (_, at) => this.#logits[at * fieldsPerToken + 1] !== -Infinity);
  }

  /** The id that the last sampler of a chain chose. */
  get selectedId(): number {
    const at = Number(this.#words[arrayLayout.selected]);
    const id = this.#ids[at * fieldsPerToken];
    if (at < 0 || id === undefined) throw new Error('no sampler has chosen a token');
    return id;
  }

  /** Of a whole vocabulary it is more than a megabyte, which the likeliest few and the very likeliest never need. */
  #makeRoom(count: number): void {
    if (this.#ids.length >= count * fieldsPerToken) return;
    const tokens = new ArrayBuffer(count * fieldsPerToken * 4);
    this.#ids = new Int32Array(tokens);
    this.#logits = new Float32Array(tokens);
    this.#words[0] = koffi.address(this.#ids);
  }

  #put(at: number, id: number, logit: number): void {
    this.#ids[at] = id;
    this.#logits[at + 1] = logit;
    this.#logits[at + 2] = 0;
  }

  #begin(count: number): void {
    this.#words[arrayLayout.count] = BigInt(count);
    this.#words[arrayLayout.selected] = -1n;
    this.header[arrayLayout.sorted] = 0;
  }
}
