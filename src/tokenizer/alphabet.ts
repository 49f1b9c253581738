/**
 * GPT-2's alphabet, in which `tokenizer.json` and GGUF spell bytes: printable Latin-1 characters stand for themselves,
 * the other 68 bytes for U+0100, U+0101, ... in order of the byte.
 */
export interface Alphabet {
  /** The character of each byte. */
  readonly characters: readonly string[];
  /** The byte of each code point below U+0144, or -1. */
  readonly byteOf: Int16Array;
}

export function byteAlphabet(): Alphabet {
  const byteOf = new Int16Array(0x144).fill(-1);
  const characters: string[] = [];
  let stranger = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    const codePoint = isPrintable ? byte : stranger++;
    byteOf[codePoint] = byte;
    characters.push(String.fromCharCode(codePoint));
  }
  return { characters, byteOf };
}
