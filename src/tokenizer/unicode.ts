/** What Tekken's pattern asks of a character, as bits. Marks and letters without case are upper and lower at once. */
export const kinds = {
  upper: 1,
  lower: 2,
  letter: 4,
  number: 8,
  space: 16,
  newline: 32,
} as const;

/** Bits of `kinds` for a code point. */
export type KindOf = (codePoint: number) => number;

/** Remembers every answer in one byte per code point. */
export function characterKinds(): KindOf {
  const known = new Uint8Array(0x110000);
  const isKnown = 128;
  return (codePoint) => {
    const kind = known[codePoint]!;
    return kind !== 0 ? kind : (known[codePoint] = isKnown | lookUp(codePoint));
  };
}

function lookUp(codePoint: number): number {
  if (codePoint === 0x0a || codePoint === 0x0d) return kinds.space | kinds.newline;
  if (codePoint === 0x295) return kinds.lower | kinds.letter; // became Lo in Unicode 17
  if (isLater(codePoint)) return 0;
  const character = String.fromCodePoint(codePoint);
  return patterns.find(([pattern]) => pattern.test(character))?.[1] ?? 0;
}

/** `\s` is spelled out: JavaScript's has U+FEFF and lacks U+0085, Rust's does the opposite. */
const patterns: readonly [pattern: RegExp, kind: number][] = [
  [/^[\p{Lu}\p{Lt}]/u, kinds.upper | kinds.letter],
  [/^\p{Ll}/u, kinds.lower | kinds.letter],
  [/^[\p{Lm}\p{Lo}]/u, kinds.upper | kinds.lower | kinds.letter],
  [/^\p{M}/u, kinds.upper | kinds.lower],
  [/^\p{N}/u, kinds.number],
  [/^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u, kinds.space],
];

/**
 * Letters, marks and numbers that came after Unicode 16, which tiktoken 0.14 knows: first and last code points.
 * Node's own tables change from release to release; ids must not.
 */
const later: readonly [first: number, last: number][] = [
  [0x88f, 0x88f],
  [0xc5c, 0xc5c],
  [0xcdc, 0xcdc],
  [0x1acf, 0x1add],
  [0x1ae0, 0x1aeb],
  [0xa7ce, 0xa7cf],
  [0xa7d2, 0xa7d2],
  [0xa7d4, 0xa7d4],
  [0xa7f1, 0xa7f1],
  [0x10940, 0x10959],
  [0x10ec5, 0x10ec7],
  [0x10efa, 0x10efb],
  [0x11b60, 0x11b67],
  [0x11db0, 0x11ddb],
  [0x11de0, 0x11de9],
  [0x16ea0, 0x16eb8],
  [0x16ebb, 0x16ed3],
  [0x16ff2, 0x16ff6],
  [0x187f8, 0x187ff],
  [0x18d09, 0x18d1e],
  [0x18d80, 0x18df2],
  [0x1e6c0, 0x1e6de],
  [0x1e6e0, 0x1e6f5],
  [0x1e6fe, 0x1e6ff],
  [0x2b73a, 0x2b73f],
  [0x2cea2, 0x2cead],
  [0x323b0, 0x33479],
];

function isLater(codePoint: number): boolean {
  return codePoint >= 0x88f && later.some(([first, last]) => codePoint >= first && codePoint <= last);
}
