import { byteAlphabet } from './alphabet.ts';
import type { Tekken } from './tekken.ts';
import type { ExtraToken, Vocabulary } from './vocabulary.ts';

/** llama.cpp's token types of all but ordinary tokens: CONTROL, USER_DEFINED, UNUSED. */
export const tokenTypes: Readonly<Record<ExtraToken['kind'], number>> = { control: 3, text: 4, unused: 5 };

/** What llama.cpp wants to know of a tokenizer, as values of `tokenizer.ggml.*`. */
export interface GgufTokenizer {
  /** Control tokens by name, the others spelled in GPT-2's byte alphabet. */
  tokens: string[];
  /** llama.cpp's token type: 1 for an ordinary token. */
  types: Int32Array;
  /** Every way to put a token together from two, `left right`, in order of the token's rank. */
  merges: string[];
  bos: number;
  eos: number;
  unk: number;
  pad: number;
}

/** The values with which llama.cpp's own converter writes a Tekken tokenizer (`model` is `gpt2`, `pre` is `tekken`). */
export function ggufTokenizer(tekken: Tekken): GgufTokenizer {
  const { vocabulary } = tekken;
  const spelled = spell(vocabulary);
  const types = new Int32Array(tekken.vocabularySize).fill(1);
  const { controls, count, extras } = vocabulary;
  types.fill(tokenTypes.control, 0, controls.length);
  for (const [index, { kind }] of extras.entries()) types[controls.length + count + index] = tokenTypes[kind];
  return {
    tokens: [...controls, ...spelled, ...extras.map(({ name }) => name)],
    types,
    merges: allMerges(vocabulary, spelled),
    bos: tekken.id('<s>'),
    eos: tekken.id('</s>'),
    unk: tekken.id('<unk>'),
    pad: tekken.find('<pad>') ?? tekken.id('</s>'),
  };
}

function spell(vocabulary: Vocabulary): string[] {
  const { characters } = byteAlphabet();
  const spelled: string[] = [];
  for (let rank = 0; rank < vocabulary.count; rank++) {
    let word = '';
    for (const byte of vocabulary.bytes(rank)) word += characters[byte];
    spelled.push(word);
  }
  return spelled;
}

/** All splits of a token into two tokens, sorted by the two ranks: the order in which llama.cpp's converter writes them. */
function allMerges(vocabulary: Vocabulary, spelled: readonly string[]): string[] {
  const merges: string[] = [];
  for (let rank = 256; rank < vocabulary.count; rank++) {
    const bytes = vocabulary.bytes(rank);
    const splits: [left: number, right: number][] = [];
    for (let cut = 1; cut < bytes.length; cut++) {
      const left = vocabulary.rank(bytes, 0, cut);
      const right = left < 0 ? -1 : vocabulary.rank(bytes, cut, bytes.length);
      if (right >= 0) splits.push([left, right]);
    }
    splits.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [left, right] of splits) merges.push(`${spelled[left]} ${spelled[right]}`);
  }
  return merges;
}
