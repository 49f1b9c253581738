import { tekkenPattern } from '../../src/tokenizer/split.ts';
import type { Tekken } from '../../src/tokenizer/tekken.ts';

/** The pattern as a RegExp, `\s` spelled out as Rust has it: slow, and it overflows on long pieces, but obvious. */
export function splitByRegExp(text: string): string[] {
  const spaces = String.raw`\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
  const pattern = tekkenPattern
    .replace(String.raw`[^\s\p{L}\p{N}]`, String.raw`[^${spaces}\p{L}\p{N}]`)
    .replaceAll(String.raw`\s`, `[${spaces}]`)
    .replaceAll(String.raw`\S`, `[^${spaces}]`);
  return text.match(new RegExp(pattern, 'gu')) ?? [];
}

/** Byte-pair merging by its definition: look at all pairs, merge the leftmost of lowest rank, begin again. */
export function mergeSlowly(tekken: Tekken, piece: string): number[] {
  const { vocabulary } = tekken;
  const parts = Array.from(Buffer.from(piece, 'utf8'), (byte) => Buffer.from([byte]));
  for (;;) {
    let best = { at: -1, rank: Infinity };
    for (let at = 0; at + 1 < parts.length; at++) {
      const pair = Buffer.concat([parts[at]!, parts[at + 1]!]);
      const rank = vocabulary.rank(pair, 0, pair.length);
      if (rank >= 0 && rank < best.rank) best = { at, rank };
    }
    if (best.at < 0) break;
    parts.splice(best.at, 2, Buffer.concat([parts[best.at]!, parts[best.at + 1]!]));
  }
  return parts.map((part) => vocabulary.rank(part, 0, part.length) + vocabulary.controls.length);
}
