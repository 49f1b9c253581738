import { type GbnfRules, characterClass, empty, literal } from './gbnf.ts';
import { plainRanges } from './json-rules.ts';

/** Long enough for a name, and no way to write for ever. */
const maxKeyLength = 64;

/**
 * Property names in quotes that are none of `names`: a second property of the same name would replace the first.
 * Without escapes, since "\u0061" is another way to write "a".
 */
export function otherKeys(gbnf: GbnfRules, names: readonly string[]): string {
  const plain = gbnf.define('key-char', characterClass(plainRanges));
  const tails = gbnf.define('key-tail', `${plain}{0,${maxKeyLength}}`);
  const quoted = (body: string): string => gbnf.add(`"\\"" ${body} "\\""`);
  const root = keyTree(names.filter((name) => Array.from(name).every(isPlain)));
  return quoted(except(gbnf, root, { tails }));
}

interface KeyTree {
  isName: boolean;
  next: Map<string, KeyTree>;
}

function keyTree(names: readonly string[]): KeyTree {
  const root: KeyTree = { isName: false, next: new Map() };
  for (const name of names) {
    let at = root;
    for (const character of name) {
      let next = at.next.get(character);
      if (!next) at.next.set(character, (next = { isName: false, next: new Map() }));
      at = next;
    }
    at.isName = true;
  }
  return root;
}

/** A rule for every text but the names below `tree`. */
function except(gbnf: GbnfRules, { isName, next }: KeyTree, { tails }: { tails: string }): string {
  const alternatives = isName ? [] : [empty];
  const others = withoutPoints([...next.keys()].map((character) => character.codePointAt(0)!));
  alternatives.push(`${characterClass(others)} ${tails}`);
  for (const [character, tree] of next) alternatives.push(`${literal(character)} ${except(gbnf, tree, { tails })}`);
  return gbnf.add(alternatives.join(' | '));
}

/** The plain characters but for some. */
function withoutPoints(points: readonly number[]): (readonly [number, number])[] {
  let ranges: (readonly [number, number])[] = [...plainRanges];
  for (const point of points) {
    ranges = ranges.flatMap(([low, high]): (readonly [number, number])[] => {
      if (point < low || point > high) return [[low, high]];
      const parts: (readonly [number, number])[] = [
        [low, point - 1],
        [point + 1, high],
      ];
      return parts.filter(([from, to]) => from <= to);
    });
  }
  return ranges;
}

function isPlain(character: string): boolean {
  const point = character.codePointAt(0)!;
  return plainRanges.some(([low, high]) => point >= low && point <= high);
}
