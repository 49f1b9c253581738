import type { Forced } from '../../grammar/matcher.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';

type Piece = ReturnType<Tekken['pieces']>[number];

/** One of each kind of character by which the tokenizer cuts its pieces. */
const continuations = ['a', 'A', '中', '\u0301', '1', '"', ' ', '\n', '/'].map((text) => Buffer.from(text));

/**
 * Spells text that must come as the tokenizer would spell it in the whole answer: pieces that nothing which may follow
 * could change, and whose beginning the model has spelled so too. The rest is left to the model: it may write the end of
 * what must come and the beginning of what is free in one token, as it has learned to.
 */
export class ForcedSpelling {
  readonly #tekken: Tekken;
  /** Of the answer, from the beginning of a piece that was not over when it was looked at last. */
  #open: Uint8Array = new Uint8Array(0);
  /** The tokens that begin in it. */
  #tokens: { id: number; start: number }[] = [];

  constructor(tekken: Tekken) {
    this.#tekken = tekken;
  }

  /** A token of the answer. */
  push(id: number): void {
    this.#tokens.push({ id, start: this.#open.length });
    this.#open = Buffer.concat([this.#open, this.#tekken.bytes(id)]);
  }

  /** Ids of what must come next, as far as they are sure. */
  ids({ bytes, ends }: Forced): number[] {
    if (bytes.length === 0) return [];
    const text = Buffer.concat([this.#open, bytes]);
    const pieces = this.#tekken.pieces(text);
    const sure = ends ? pieces.length : this.#countSure(text, pieces);
    const next = pieces.findLastIndex(({ start }) => start <= this.#open.length);
    const { start } = pieces[next]!;
    const begun = this.#tokens.filter((token) => token.start >= start);
    const isBegunSo = start === this.#open.length || begins(pieces[next]!, begun);
    this.#forget(pieces[Math.min(next, sure)]!.start);
    if (!isBegunSo) return [];
    const ids = pieces.slice(next, sure).flatMap((piece) => piece.ids);
    return ids.slice(begun.length);
  }

  /** Pieces that are the same whatever comes behind them. */
  #countSure(text: Uint8Array, pieces: readonly Piece[]): number {
    let sure = pieces.length - 1; // the last one may grow
    for (const continuation of continuations) {
      const longer = this.#tekken.pieces(Buffer.concat([text, continuation]));
      const other = pieces.findIndex(({ start }, at) => longer[at]?.start !== start);
      if (other > 0) sure = Math.min(sure, other - 1);
    }
    // A word takes the one sign before it along, if the model likes.
    const isWord = /^\p{L}/u.test(new TextDecoder().decode(text.subarray(pieces[sure]!.start)));
    return isWord ? Math.max(0, sure - 1) : sure;
  }

  /** What stands before, of which all pieces are over. */
  #forget(before: number): void {
    this.#open = this.#open.subarray(before);
    this.#tokens = this.#tokens
      .map(({ id, start }) => ({ id, start: start - before }))
      .filter(({ start }) => start >= 0);
  }
}

/** Whether a piece begins with these tokens. */
function begins({ start, ids }: Piece, tokens: readonly { id: number; start: number }[]): boolean {
  return tokens[0]?.start === start && tokens.every(({ id }, at) => id === ids[at]);
}
