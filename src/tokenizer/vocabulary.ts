import { PixtralError } from '../base/errors.ts';
import { byteAlphabet } from './alphabet.ts';

/** Ordinary tokens live in a few typed arrays: a JavaScript string per token would cost start-up more than all the rest. */
/**
 * A token behind the ordinary ones, as fine-tunes add them. `control` is never text; `text` is in an answer, and is never
 * what a prompt's text becomes; `unused` only fills the embedding up.
 */
export interface ExtraToken {
  kind: 'control' | 'text' | 'unused';
  name: string;
}

export interface Vocabulary {
  /** Names the file in error messages. */
  readonly where: string;
  /** Names of the control tokens; the index is the id. */
  readonly controls: readonly string[];
  /** Number of ordinary tokens. The id of one is its rank + controls.length. */
  readonly count: number;
  /** Their ids follow those of the ordinary ones. */
  readonly extras: readonly ExtraToken[];
  /** Bytes of the token of a rank (a view). */
  bytes(rank: number): Uint8Array;
  /** Rank of the token `bytes[start..end)`, or -1 when that is no token. */
  rank(bytes: Uint8Array, start: number, end: number): number;
}

export interface VocabularySource {
  where: string;
  controls: readonly string[];
  count: number;
  extras: readonly ExtraToken[];
  /** At least the sum of all tokens' lengths. */
  byteLength: number;
  /** Writes the bytes of a rank into `target` from `at` on; returns how many. Called once per rank, in order. */
  write: (rank: number, target: Buffer, at: number) => number;
}

/** 8 times Pixtral's. Without a limit a hostile count would decide how much is allocated. */
export const maxTokens = 1 << 20;
/** Tekken's longest token has 76 bytes; with no limit one token could make every merge slow. */
const maxTokenBytes = 1024;

/** Checks what makes a vocabulary Tekken's: ranks 0 to 255 are the single bytes in order, and no two tokens are equal. */
export function buildVocabulary({ where, controls, count, extras, byteLength, write }: VocabularySource): Vocabulary {
  if (count < 256 || count + controls.length + extras.length > maxTokens) {
    throw notTekken(where, `${count} ordinary tokens, expected 256 to ${maxTokens}`);
  }
  const names = [...controls, ...extras.map(({ name }) => name)];
  refuseTwins(where, names);
  const known = Buffer.alloc(byteLength);
  const starts = new Uint32Array(count + 1); // the token of a rank is known[starts[rank]..starts[rank + 1])
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count))); // open addressing: rank + 1, or 0 when free
  let longest = 0;

  /** Slot of a token, or the free one where it would go. Half of the slots stay free, so the search ends. */
  function slotOf(bytes: Uint8Array, start: number, end: number): number {
    const mask = slots.length - 1;
    const length = end - start;
    let slot = hash(bytes, start, end) & mask;
    for (;;) {
      const rank = slots[slot]! - 1;
      if (rank < 0) return slot;
      const from = starts[rank]!;
      if (starts[rank + 1]! - from === length) {
        let i = 0;
        while (i < length && known[from + i] === bytes[start + i]) i++;
        if (i === length) return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  for (let rank = 0; rank < count; rank++) {
    const start = starts[rank]!;
    const length = write(rank, known, start);
    if (length < 1 || length > maxTokenBytes) {
      throw notTekken(where, `token of rank ${rank} has ${length} bytes, expected 1 to ${maxTokenBytes}`);
    }
    if (rank < 256 && (length > 1 || known[start] !== rank)) {
      throw notTekken(where, `token of rank ${rank} is not the byte ${rank}, as it is in Tekken`);
    }
    const slot = slotOf(known, start, start + length);
    if (slots[slot] !== 0) throw notTekken(where, `tokens of ranks ${slots[slot]! - 1} and ${rank} are equal`);
    slots[slot] = rank + 1;
    starts[rank + 1] = start + length;
    longest = Math.max(longest, length);
  }

  const { byteOf } = byteAlphabet();
  for (const [id, name] of names.entries()) {
    const bytes = spelledBytes(name, byteOf);
    if (bytes && slots[slotOf(bytes, 0, bytes.length)] === 0) continue;
    // llama.cpp knows tokens by their spelling, and ends the process when two have the same.
    if (bytes || name === '') {
      throw notTekken(
        where,
        `control token ${id < controls.length ? id : id + count} is called ${JSON.stringify(name)}, which is no name of its own`,
      );
    }
  }

  return {
    where,
    controls,
    count,
    extras,
    bytes: (rank) => known.subarray(starts[rank], starts[rank + 1]),
    rank: (bytes, start, end) => (end - start > longest ? -1 : slots[slotOf(bytes, start, end)]! - 1),
  };
}

function refuseTwins(where: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw notTekken(where, `two control tokens are called ${JSON.stringify(name)}`);
    seen.add(name);
  }
}

/** The bytes of the ordinary token that would be spelled like this in the byte alphabet. */
function spelledBytes(name: string, byteOf: Int16Array): Uint8Array | undefined {
  const bytes = Array.from(name, (character) => byteOf[character.codePointAt(0) ?? 0] ?? -1);
  return bytes.length > 0 && bytes.every((byte) => byte >= 0) ? Uint8Array.from(bytes) : undefined;
}

/** FNV-1a, its high bits folded in. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  return value ^ (value >>> 15);
}

/** Of Llama, Mistral's older models, and Pixtral-Large. */
export function sentencePiece(where: string, what: string): PixtralError {
  return new PixtralError('model', `${where}: ${what}: a SentencePiece tokenizer, expected Tekken`, {
    hint: "Pixtral-Large's tokenizer is of that kind, which is out of scope: only Tekken tokenizers work here",
  });
}

/** A tokenizer that is damaged, or is not Tekken. */
export function notTekken(where: string, what: string): PixtralError {
  return new PixtralError('model', `${where}: ${what}`, {
    hint: 'only Tekken tokenizers work here, such as those of Pixtral-12B and Mistral Small 3: check that the file is whole',
  });
}
