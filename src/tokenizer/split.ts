import { kinds, type KindOf } from './unicode.ts';

/** The pattern that all Tekken files have. */
export const tekkenPattern = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/**
 * Cuts UTF-8 text into the pieces that this pattern cuts, within which tokens are merged. By hand and not by RegExp,
 * whose backtracking overflows the stack on one piece of a few million characters.
 * @param piece called with the first byte of each piece and the one after its last
 */
export function splitPieces(
  text: Uint8Array,
  { kindOf, piece }: { kindOf: KindOf; piece: (start: number, end: number) => void },
): void {
  const scan = scanner(text, kindOf);
  for (let start = 0; start < text.length;) {
    const end = scan.word(start) ?? scan.number(start) ?? scan.symbols(start) ?? scan.spaces(start);
    piece(start, end);
    start = end;
  }
}

const newlines = { cr: 0x0d, lf: 0x0a };
const space = 0x20;
const slash = 0x2f;

interface Scanner {
  word(at: number): number | undefined;
  number(at: number): number | undefined;
  symbols(at: number): number | undefined;
  spaces(at: number): number;
}

/** Each method returns the end of its alternative's match at a byte, if it matches. */
function scanner(text: Uint8Array, kindOf: KindOf): Scanner {
  const kindAt = (at: number): number => (at < text.length ? kindOf(codePointAt(text, at)) : 0);
  const after = (at: number): number => at + sequenceLength(text[at]!);

  /** End of the run of characters that have one of `wanted`'s bits. */
  function run(at: number, wanted: number): number {
    let end = at;
    while (end < text.length && (kindAt(end) & wanted) !== 0) end = after(end);
    return end;
  }

  /** Alternative 1 behind its first character: upper* lower+, where some characters count as both. */
  function upperThenLower(at: number): number | undefined {
    let end = at;
    let lastBoth = -1;
    for (let kind = kindAt(end); (kind & kinds.upper) !== 0; kind = kindAt(end)) {
      if ((kind & kinds.lower) !== 0) lastBoth = end;
      end = after(end);
    }
    const afterLower = run(end, kinds.lower);
    if (afterLower > end) return afterLower;
    // backtracking gives back characters until one can be the lower; those behind it are upper only
    return lastBoth < 0 ? undefined : after(lastBoth);
  }

  /** Alternative 2 behind its first character: upper+ lower*. */
  function upper(at: number): number | undefined {
    const end = run(at, kinds.upper);
    return end === at ? undefined : run(end, kinds.lower);
  }

  function word(at: number): number | undefined {
    const kind = kindAt(at);
    const canLead = (kind & (kinds.letter | kinds.number | kinds.newline)) === 0;
    const next = canLead ? after(at) : -1;
    const withLead = canLead ? upperThenLower(next) : undefined;
    if (withLead !== undefined) return withLead;
    return upperThenLower(at) ?? (canLead ? upper(next) : undefined) ?? upper(at);
  }

  function symbols(at: number): number | undefined {
    const first = text[at] === space ? at + 1 : at;
    let end = first;
    while (end < text.length && (kindAt(end) & (kinds.space | kinds.letter | kinds.number)) === 0) end = after(end);
    if (end === first) return undefined;
    while (text[end] === newlines.cr || text[end] === newlines.lf || text[end] === slash) end++;
    return end;
  }

  /** The last three alternatives: up to the last newline of the run, else all but the space that a word will take along. */
  function spaces(at: number): number {
    let end = at;
    let last = at;
    let afterNewline = -1;
    for (let kind = kindAt(end); (kind & kinds.space) !== 0; kind = kindAt(end)) {
      last = end;
      end = after(end);
      if ((kind & kinds.newline) !== 0) afterNewline = end;
    }
    if (afterNewline > 0) return afterNewline;
    return end === text.length || last === at ? end : last;
  }

  return {
    word,
    symbols,
    spaces,
    number: (at) => ((kindAt(at) & kinds.number) === 0 ? undefined : after(at)),
  };
}

/** Bytes of the UTF-8 sequence that starts with this byte. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** The code point of a valid sequence: the text comes from TextEncoder. */
function codePointAt(text: Uint8Array, at: number): number {
  const lead = text[at]!;
  if (lead < 0x80) return lead;
  const second = text[at + 1]! & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = text[at + 2]! & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | (text[at + 3]! & 0x3f);
}
