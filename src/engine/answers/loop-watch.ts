import type { Tekken } from '../../tokenizer/tekken.ts';

/**
 * How many tokens an answer must have spent on saying the same over and over before it counts as a loop, by what it
 * says. Rows of tables and lists, numbers and drawings may well be equal for long; sentences are not.
 */
const evidence: readonly { what: string; fits: (text: string) => boolean; tokens: number }[] = [
  { what: 'blank', fits: (text) => /^\s*$/.test(text), tokens: 96 },
  { what: 'digits', fits: (text) => /^\d+$/.test(text), tokens: 128 },
  { what: 'sentences', fits: (text) => isProse(text) && wordsIn(text) >= 8, tokens: 48 },
  { what: 'words', fits: (text) => isProse(text) && wordsIn(text) >= 1 && !text.includes('\n'), tokens: 128 },
  { what: 'rows', fits: (text) => wordsIn(text) >= 1, tokens: 1024 },
  { what: 'signs', fits: () => true, tokens: 2048 },
];

/** Words, and the signs of sentences where sentences have them: no table, list or program. */
const isProse = (text: string): boolean =>
  /^[\p{L}\p{M}\s.,;:!?'’"“”()–—。、，！？-]*$/u.test(text) &&
  !/["'] ?[,:]|[,;:]\p{L}|--|\.{4}|\S {2,}\S|\t/u.test(text);

/** Different words of letters; where no spaces are written, two characters count as one. */
function wordsIn(text: string): number {
  const different = new Set(text.match(/[\p{L}\p{M}]+/gu));
  return [...different].reduce((sum, word) => sum + (unspaced.test(word) ? Math.ceil(word.length / 2) : 1), 0);
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Times that something must stand there, one after the other. */
const rounds = 3;
const least = Math.min(...evidence.map(({ tokens }) => tokens));
/** Longer ones are no loops of a model, and looking for them would cost more. */
const longestPeriod = 2048;

/** Notices an answer that says the same over and over. */
export class LoopWatch {
  readonly #tekken: Tekken;
  readonly #ids: number[] = [];
  /** Tokens at the end that say the same over and over. */
  #spent = 0;
  /** By period: how many of the last tokens are those that stood there one period before. */
  readonly #equal = new Uint32Array(longestPeriod + 1);

  constructor(tekken: Tekken) {
    this.#tekken = tekken;
  }

  /** A token of the answer. Returns whether the answer is in a loop by now. */
  push(id: number): boolean {
    const ids = this.#ids;
    const equal = this.#equal;
    const count = ids.push(id);
    let period = 0;
    for (let length = Math.min(longestPeriod, count - 1); length > 0; length--) {
      equal[length] = ids[count - 1 - length] === id ? equal[length]! + 1 : 0;
      if (equal[length]! >= (rounds - 1) * length) period = length; // the shortest of all: others are its multiples
    }
    this.#spent = period === 0 ? 0 : period + equal[period]!;
    return this.#spent >= least && this.#spent >= this.#needed(period);
  }

  /** Whether half of the answer and more is the same over and over: where it is cut, more tokens would hardly help it. */
  get isMostlyLoop(): boolean {
    return this.#spent >= least && 2 * this.#spent >= this.#ids.length;
  }

  #needed(period: number): number {
    // Twice: a period may begin within a character.
    const text = this.#tekken.decode(this.#ids.slice(-2 * period)).replaceAll(/^\uFFFD+|\uFFFD+$/g, '');
    return evidence.find(({ fits }) => fits(text))!.tokens;
  }
}
