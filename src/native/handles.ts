import { PixtralError } from '../base/errors.ts';
import type { Pointer } from './bind.ts';

/** Native objects in the order in which they were made; closed in reverse, once. */
export class Handles {
  readonly #closers: (() => void)[] = [];

  /**
   * Takes a fresh handle into care.
   * @throws PixtralError `machine` when the library returned null; calling on would crash the process
   */
  own(what: string, handle: Pointer | null, close: (handle: Pointer) => void): Pointer {
    if (handle === null) {
      throw new PixtralError('machine', `llama.cpp: could not make ${what}`, {
        hint: 'most often there is too little memory; pixtral doctor --model shows what fits',
      });
    }
    this.#closers.push(() => close(handle));
    return handle;
  }

  close(): void {
    while (this.#closers.length > 0) this.#closers.pop()?.();
  }
}
