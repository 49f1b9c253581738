import type { GrammarState } from './automaton.ts';
import type { TokenMask, TokenMasks } from './token-masks.ts';

/** One text of a grammar as it is being written, token by token. */
export class Matcher {
  readonly #masks: TokenMasks;
  #state: GrammarState;

  constructor(masks: TokenMasks) {
    this.#masks = masks;
    this.#state = masks.automaton.start();
  }

  /** The tokens that may come. */
  mask(): TokenMask {
    return this.#masks.of(this.#state);
  }

  /** Takes a token that may come. One that ends the text changes nothing. */
  accept(id: number): void {
    const { automaton, words } = this.#masks;
    automaton.beginWork();
    for (const byte of words.bytes(id)) {
      const next = automaton.step(automaton.fresh(this.#state), byte);
      if (next === null) throw new Error(`token ${id} does not go on with the text`);
      this.#state = next;
    }
  }

  /** Whether the text is whole and nothing may follow. */
  get isFinished(): boolean {
    return this.#state.mayEnd && this.#state.terminals.length === 0;
  }

  /** The bytes that must come, up to where there is a choice or the text may end; whole characters, at most `most`. */
  forced(most: number): Uint8Array {
    const { automaton } = this.#masks;
    automaton.beginWork();
    const bytes: number[] = [];
    let state = automaton.fresh(this.#state);
    let whole = 0;
    while (bytes.length < most && !state.mayEnd) {
      const byte = onlyByte(state);
      if (byte === undefined) break;
      bytes.push(byte);
      state = automaton.step(state, byte)!;
      if (state.terminals.every(({ isInside }) => !isInside)) whole = bytes.length;
    }
    return Uint8Array.from(bytes.slice(0, whole));
  }
}

function onlyByte({ terminals }: GrammarState): number | undefined {
  let only: number | undefined;
  for (const { node } of terminals) {
    for (let byte = 0; byte < node.next.length; byte++) {
      if (node.next[byte] === undefined || byte === only) continue;
      if (only !== undefined) return undefined;
      only = byte;
    }
  }
  return only;
}
