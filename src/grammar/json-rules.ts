import { type GbnfRules, characterClass, literal } from './gbnf.ts';

/**
 * Characters that stand for themselves in a JSON string. Surrogates are no characters, and control characters up to
 * U+009F only disturb terminals.
 */
export const plainRanges: readonly (readonly [number, number])[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7e],
  [0xa0, 0xd7ff],
  [0xe000, 0x10ffff],
];

/** At most 15 digits: a larger whole number is not exact in JavaScript, nor in most programs that read JSON. */
export const maxDigits = 15;

/**
 * Rules of JSON itself. Whitespace is at most one space, after a comma or a colon, so that no model can write spaces
 * for ever; numbers stay finite and exact.
 */
const rules = {
  comma: '"," " "?',
  colon: '":" " "?',
  hex: '[0-9a-fA-F]',
  // One character by number; surrogates only in pairs, which are one character, as JSON Schema counts lengths.
  unicode: '"\\\\u" ([0-9a-cefA-CEF] hex{3} | [dD] [0-7] hex{2} | [dD] [89abAB] hex{2} "\\\\u" [dD] [c-fC-F] hex{2})',
  char: `${characterClass(plainRanges)} | "\\\\" ["\\\\/bfnrt] | unicode`,
  string: '"\\"" char* "\\""',
  digit: '[0-9]',
  integer: `"0" | "-"? [1-9] digit{0,${maxDigits - 1}}`,
  fraction: '"." digit{1,16}',
  number: `"-"? ("0" | [1-9] digit{0,${maxDigits - 1}}) fraction? ([eE] [-+]? digit{1,2})?`,
  'object-any': '"{" (pair (comma pair)*)? "}"',
  pair: 'string colon value',
  'array-any': '"[" (value (comma value)*)? "]"',
  value: 'object-any | array-any | string | number | "true" | "false" | "null"',
} as const;

export type JsonRule = keyof typeof rules;

/** The name of a rule of JSON; it and what it needs are added to `gbnf`. */
export function jsonRule(gbnf: GbnfRules, name: JsonRule): string {
  const todo: JsonRule[] = [name];
  const seen = new Set<JsonRule>();
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    gbnf.define(next, rules[next]);
    todo.push(...mentioned(rules[next]));
  }
  return name;
}

/** A value as its one shortest JSON text. */
export function jsonLiteral(value: unknown): string {
  return literal(JSON.stringify(value));
}

function mentioned(body: string): JsonRule[] {
  const bare = body.replaceAll(/"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]/g, ' ');
  return [...bare.matchAll(/[a-z][a-z-]*/g)].map(([word]) => word).filter((word): word is JsonRule => word in rules);
}
