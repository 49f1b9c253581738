import type { DecoderModel } from '../../decoder/model.ts';
import { Matcher } from '../../grammar/matcher.ts';
import { TokenMasks, type Words } from '../../grammar/token-masks.ts';
import { tokenTrie } from '../../grammar/token-trie.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';

/** A batch may take turns between so many schemas without finding the masks of one anew. */
const maxGrammars = 16;

/** Grammars over a model's vocabulary; each is kept for later questions with what was found out about it. */
export class Grammars {
  readonly #tekken: Tekken;
  readonly #known = new Map<string, TokenMasks>();
  #words: Words | undefined;

  constructor(tekken: Tekken) {
    this.#tekken = tekken;
  }

  /**
   * A text of the grammar, from its beginning.
   * @throws PixtralError `input` when the grammar is wrong, or leaves too many ways open
   */
  matcher(model: DecoderModel, grammar: string): Matcher {
    const masks = this.#known.get(grammar) ?? new TokenMasks(grammar, this.#wordsOf(model));
    this.#known.delete(grammar); // the last one that was asked for stands last
    this.#known.set(grammar, masks);
    if (this.#known.size > maxGrammars) this.#known.delete(this.#known.keys().next().value!);
    return new Matcher(masks);
  }

  /** Ids that end a text. */
  ends(model: DecoderModel): readonly number[] {
    return this.#wordsOf(model).ends;
  }

  #wordsOf(model: DecoderModel): Words {
    return (this.#words ??= wordsOf(model, this.#tekken));
  }
}

function wordsOf(model: DecoderModel, tekken: Tekken): Words {
  const controls = tekken.vocabulary.controls.map((_, id) => id);
  const ends = controls.filter((id) => model.endsGeneration(id));
  const bytes = (id: number): Uint8Array => tekken.bytes(id);
  return { count: tekken.vocabularySize, trie: tokenTrie(tekken.vocabularySize, bytes), bytes, ends };
}
