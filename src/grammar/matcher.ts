import type { GrammarState } from './automaton.ts';
import type { TokenMask, TokenMasks } from './token-masks.ts';

/** Text that a grammar leaves no choice about. */
export interface Forced {
  bytes: Uint8Array;
  /** Whether the text is whole with it, and nothing may follow. */
  ends: boolean;
}

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
    return isEnd(this.#state);
  }

  /** What must come, up to where there is a choice or the text may end; whole characters, at most `most` bytes. */
  forced(most: number): Forced {
    const { automaton } = this.#masks;
    automaton.beginWork();
    const bytes: number[] = [];
    let state = automaton.fresh(this.#state);
    let whole = 0;
    while (bytes.length < most && !state.mayEnd) {
      const byte = onlyByte(state);
      const next = byte === undefined ? null : automaton.step(state, byte);
      if (byte === undefined || next === null) break;
      bytes.push(byte);
      state = next;
      if (state.terminals.every(({ isInside }) => !isInside)) whole = bytes.length;
    }
    return { bytes: Uint8Array.from(bytes.slice(0, whole)), ends: isEnd(state) };
  }
}

const isEnd = ({ mayEnd, terminals }: GrammarState): boolean => mayEnd && terminals.length === 0;

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
