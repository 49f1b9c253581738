import { byteAlphabet } from './alphabet.ts';
import { parseObject, requireArray, requireCount, requireObject, requireString } from './json.ts';
import { type Tekken, createTekken } from './tekken.ts';
import { type VersionHints, tellVersion } from './version.ts';
import { type ExtraToken, buildVocabulary, maxTokens, notTekken, sentencePiece } from './vocabulary.ts';

/**
 * Reads a Tekken vocabulary from Hugging Face's `tokenizer.json`. Its own pattern is not used: published Pixtral copies
 * carry one that groups digits, which Mistral's tokenizer does not.
 * @param where names the file in errors
 * @param hints what the file does not tell: version and image sizes
 * @throws PixtralError('model') for anything that is not such a file
 */
export function tekkenFromHuggingFace(bytes: Uint8Array, where: string, hints?: VersionHints): Tekken {
  const file = parseObject(bytes, where);
  const model = requireObject(file['model'], { where, name: 'model' });
  if (model['type'] !== undefined && model['type'] !== 'BPE') {
    throw notTekken(where, `model.type is ${JSON.stringify(model['type'])}, expected "BPE"`);
  }
  const ids = readIds(model['vocab'], where);
  const controlCount = ids.get(firstByte);
  if (controlCount === undefined && ids.has(sentencePieceByte))
    throw sentencePiece(where, 'model.vocab has <0x00> for the byte 0');
  if (controlCount === undefined) throw notTekken(where, 'model.vocab has no token for the byte 0');

  const words: string[] = [];
  for (const [word, id] of ids) {
    if (words[id] !== undefined) throw notTekken(where, `two tokens of model.vocab have id ${id}`);
    words[id] = word;
  }
  refuseOtherOrder(model['merges'], { where, ids });
  const controls = readControls(file['added_tokens'], { where, words: words.slice(0, controlCount) });

  const { byteOf } = byteAlphabet();
  const vocabulary = buildVocabulary({
    where,
    controls,
    count: words.length - controlCount,
    extras: readExtras(file['added_tokens'], { where, first: words.length, rows: hints?.rows }),
    byteLength: words.reduce((sum, word) => sum + word.length, 0),
    write(rank, target, at) {
      const word = words[rank + controlCount];
      if (word === undefined) throw notTekken(where, `model.vocab has no token of id ${rank + controlCount}`);
      for (let i = 0; i < word.length; i++) {
        const byte = byteOf[word.charCodeAt(i)] ?? -1;
        if (byte < 0) throw notTekken(where, `token ${JSON.stringify(word)} is not spelled in the byte alphabet`);
        target[at + i] = byte;
      }
      return word.length;
    },
  });
  return createTekken({ ...tellVersion(hints ?? {}, { controls, where }), image: hints?.image, vocabulary });
}

/** How SentencePiece spells byte 0. */
const sentencePieceByte = '<0x00>';

/** How byte 0 is spelled. Tekken's control tokens come before it. */
const firstByte = '\u0100';

function readIds(value: unknown, where: string): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [word, id] of Object.entries(requireObject(value, { where, name: 'model.vocab' }))) {
    ids.set(word, requireCount(id, { where, name: `model.vocab[${JSON.stringify(word)}]`, max: maxTokens - 1 }));
  }
  return ids;
}

/** Names of the ids before the first byte, from `added_tokens` or else from the vocabulary. */
function readControls(value: unknown, { where, words }: { where: string; words: string[] }): string[] {
  const controls = words;
  for (const [i, token] of requireArray(value ?? [], { where, name: 'added_tokens' }).entries()) {
    const name = `added_tokens[${i}]`;
    const { id, content } = requireObject(token, { where, name });
    const at = requireCount(id, { where, name: `${name}.id`, max: maxTokens - 1 });
    if (at < words.length) controls[at] = requireString(content, { where, name: `${name}.content` });
  }
  for (let id = 0; id < controls.length; id++) {
    if (controls[id] === undefined) throw notTekken(where, `no token has id ${id}`);
  }
  return controls;
}

/** Padding beyond this is no padding: the tokenizer belongs to other weights. */
const maxPadding = 1024;

/**
 * Tokens that a fine-tune has added behind the vocabulary, and as many unused ones as the embedding has rows more, named
 * as llama.cpp's converter names them.
 */
function readExtras(
  value: unknown,
  { where, first, rows }: { where: string; first: number; rows: number | undefined },
): ExtraToken[] {
  const added = new Map<number, ExtraToken>();
  for (const [i, token] of requireArray(value ?? [], { where, name: 'added_tokens' }).entries()) {
    const name = `added_tokens[${i}]`;
    const { id, content, special } = requireObject(token, { where, name });
    const at = requireCount(id, { where, name: `${name}.id`, max: maxTokens - 1 });
    if (at < first) continue;
    const kind = special === true ? 'control' : 'text';
    added.set(at, { kind, name: requireString(content, { where, name: `${name}.content` }) });
  }
  const end = Math.max(first, ...[...added.keys()].map((id) => id + 1));
  const wanted = rows !== undefined && rows >= end && rows - end <= maxPadding ? rows : end;
  if (wanted - first - added.size > maxPadding)
    throw notTekken(where, `added tokens leave a gap of over ${maxPadding}`);
  return Array.from({ length: wanted - first }, (_, index): ExtraToken => {
    const id = first + index;
    return added.get(id) ?? { kind: 'unused', name: `[PAD${id}]` };
  });
}

/**
 * Tekken's ids are in order of merging, so merging by id is right. Refuses a file whose merges, `"a b"` or `["a", "b"]`,
 * say otherwise.
 */
function refuseOtherOrder(value: unknown, { where, ids }: { where: string; ids: Map<string, number> }): void {
  let previous = 0;
  for (const [i, merge] of requireArray(value, { where, name: 'model.merges' }).entries()) {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const id = Array.isArray(parts) && parts.length === 2 ? ids.get(parts.join('')) : undefined;
    if (id === undefined) throw notTekken(where, `model.merges[${i}] does not make a token of the vocabulary`);
    if (id < previous) throw notTekken(where, `model.merges[${i}] makes token ${id} after token ${previous}`);
    previous = id;
  }
}
