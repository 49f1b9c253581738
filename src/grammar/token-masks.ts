import { Automaton, type GrammarState } from './automaton.ts';
import type { TokenTrie } from './token-trie.ts';

/** One bit for each id of a vocabulary. */
export type TokenMask = Uint32Array;

/** A vocabulary as grammars see it. */
export interface Words {
  /** Ids. */
  count: number;
  trie: TokenTrie;
  bytes(id: number): Uint8Array;
  /** Ids that end a text. */
  ends: readonly number[];
}

/** 16 kB each for 131,072 ids. */
const maxMasks = 2048;

/** Which tokens a grammar allows, kept for each state in which somebody has asked. */
export class TokenMasks {
  readonly words: Words;
  readonly automaton: Automaton;
  /** Of the automaton's states of one generation. */
  readonly #masks = new Map<GrammarState, TokenMask>();
  #generation = 0;

  constructor(gbnf: string, words: Words) {
    this.words = words;
    this.automaton = new Automaton(gbnf, { reach: words.trie.longest });
  }

  /** @throws PixtralError `input` when the grammar leaves too many ways open */
  of(state: GrammarState): TokenMask {
    const { automaton } = this;
    automaton.beginWork();
    if (this.#masks.size >= maxMasks || this.#generation !== automaton.generation) this.#masks.clear();
    this.#generation = automaton.generation;
    const near = automaton.near(automaton.fresh(state));
    let mask = this.#masks.get(near);
    if (!mask) this.#masks.set(near, (mask = this.#walk(near)));
    return mask;
  }

  #walk(state: GrammarState): TokenMask {
    const { count, trie, ends: endIds } = this.words;
    const { nodes, bytes, depths, ends, ids, longest } = trie;
    const { automaton } = this;
    const mask = new Uint32Array(Math.ceil(count / 32));
    const states: GrammarState[] = Array.from({ length: longest + 1 }, () => state);
    for (let at = 0; at < nodes;) {
      const depth = depths[at]!;
      const before = states[depth]!;
      let next = before.next[bytes[at]!];
      if (next === undefined) next = automaton.step(before, bytes[at]!);
      if (next === null) {
        at = ends[at]!;
        continue;
      }
      states[depth + 1] = next;
      const id = ids[at]!;
      if (id >= 0) mask[id >>> 5]! |= 1 << (id & 31);
      at++;
    }
    if (state.mayEnd) for (const id of endIds) mask[id >>> 5]! |= 1 << (id & 31);
    return mask;
  }
}

export function isAllowed(mask: TokenMask, id: number): boolean {
  return ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1;
}
