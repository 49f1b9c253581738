import { anyOf, characterClass, literal } from './gbnf.ts';

/** So many are followed side by side; of more, what begins alike is written once. */
const mostSideBySide = 256;
/** Groups within each other that a grammar may have; what is deeper is written side by side. */
const maxDepth = 60;

/** One of several texts, as the body of a rule. */
export function oneOfTexts(texts: readonly string[]): string {
  const different = [...new Set(texts)];
  if (different.length <= mostSideBySide) return different.map(literal).join(' | ');
  const sorted = different.map((text) => Array.from(text)).toSorted(byCharacters);
  return branches(sorted, { at: 0, depth: 0 }).join(' | ');
}

interface Place {
  /** Characters that all of them have in common. */
  at: number;
  depth: number;
}

/** What comes behind `at` characters, of sorted texts that are longer. */
function branches(texts: readonly string[][], { at, depth }: Place): string[] {
  const last: string[] = [];
  const longer: string[] = [];
  for (const group of groups(texts, at)) {
    const [first] = group;
    if (group.length === 1 && first!.length === at + 1) last.push(first![at]!);
    else longer.push(branch(group, { at, depth }));
  }
  return last.length === 0 ? longer : [oneOfCharacters(last), ...longer];
}

/** Texts that go on with the same character. */
function branch(group: readonly string[][], { at, depth }: Place): string {
  const [first] = group;
  if (group.length === 1) return literal(first!.slice(at).join(''));
  if (depth === maxDepth) return anyOf(group.map((text) => literal(text.slice(at).join(''))));
  const end = commonEnd(first!, group.at(-1)!, at);
  const mayEnd = first!.length === end; // of sorted texts the first one is the shortest
  const rest = branches(mayEnd ? group.slice(1) : group, { at: end, depth: depth + 1 });
  const body = mayEnd ? `(${rest.join(' | ')})?` : anyOf(rest);
  return `${literal(first!.slice(at, end).join(''))} ${body}`;
}

function groups(texts: readonly string[][], at: number): string[][][] {
  const found: string[][][] = [];
  for (const text of texts) {
    const last = found.at(-1);
    if (last?.[0]![at] === text[at]) last!.push(text);
    else found.push([text]);
  }
  return found;
}

/** Between the first and the last of sorted texts are none that have less in common. */
function commonEnd(first: readonly string[], last: readonly string[], from: number): number {
  let end = from;
  while (end < first.length && first[end] === last[end]) end++;
  return end;
}

function oneOfCharacters(characters: readonly string[]): string {
  return characterClass(characters.map((character) => [character.codePointAt(0)!, character.codePointAt(0)!]));
}

function byCharacters(one: readonly string[], other: readonly string[]): number {
  for (let at = 0; at < one.length && at < other.length; at++) {
    const difference = one[at]!.codePointAt(0)! - other[at]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
