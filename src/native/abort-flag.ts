import { koffi } from './koffi.ts';
import { tensorLayout } from './ggml.ts';
import type { Pointer } from './bind.ts';

/**
 * A flag that llama.cpp polls from its own threads, without a JavaScript callback (which would dead-lock
 * against our event loop). ggml's `bool ggml_is_empty(const ggml_tensor *)` is the callback and a tensor
 * header that no graph knows is its user data: 1x1x1x1 means "go on", a dimension of 0 means "abort".
 * For load progress (true = go on) `ggml_is_scalar` reads the same header: its float argument travels in
 * a floating-point register on every ABI but Windows', where this callback must stay unset.
 */
export class AbortFlag {
  readonly #header: Uint8Array;
  readonly #firstDimension: BigInt64Array;

  constructor() {
    const memory = new ArrayBuffer(tensorLayout.size);
    this.#header = new Uint8Array(memory);
    new BigInt64Array(memory, tensorLayout.ne, 4).fill(1n);
    this.#firstDimension = new BigInt64Array(memory, tensorLayout.ne, 1);
  }

  /** Address of the header; valid while this object is referenced. */
  get data(): Pointer {
    return koffi.address(this.#header);
  }

  get isSet(): boolean {
    return Atomics.load(this.#firstDimension, 0) === 0n;
  }

  set(): void {
    Atomics.store(this.#firstDimension, 0, 0n);
  }

  clear(): void {
    Atomics.store(this.#firstDimension, 0, 1n);
  }
}
