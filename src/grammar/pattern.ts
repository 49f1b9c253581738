import { createRequire } from 'node:module';
import type * as Regexpp from '@eslint-community/regexpp';
import type { AST } from '@eslint-community/regexpp';
import { decimalText } from './decimal-text.ts';
import { type GbnfRules, anyOf, characterClass, empty, literal } from './gbnf.ts';
import { plainRanges } from './json-rules.ts';
import { unicodePattern } from './unicode-pattern.ts';

// Loaded with the first pattern: few schemas have one.
const require = createRequire(import.meta.url);
const loadParser = () => (require('@eslint-community/regexpp') as typeof Regexpp).RegExpParser;

/** Texts that an ECMA-262 regular expression describes, and how long they are in characters. */
export interface TextPattern {
  source: string;
  min: number;
  max: number;
}

type Ranges = readonly (readonly [low: number, high: number])[];
type Part =
  | { kind: 'characters'; ranges: Ranges }
  | { kind: 'choice'; alternatives: Part[][] }
  | { kind: 'repeat'; part: Part; min: number; max: number };

/** What JSON writes in another way inside a string. */
const escapes: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const highest = 0x10ffff;
const lineEnds: Ranges = [
  [0xa, 0xa],
  [0xd, 0xd],
  [0x2028, 0x2029],
];
const digits: Ranges = [[0x30, 0x39]];
const words: Ranges = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];

/**
 * Reads a regular expression as JSON Schema means it: Unicode, anywhere in the text unless `^` and `$` say otherwise.
 * @throws Error with what cannot be turned into a grammar
 */
export function textPattern(source: string): TextPattern {
  const { min, max } = lengthOf({ kind: 'choice', alternatives: parse(source) });
  return { source, min, max };
}

interface Lengths {
  min: number;
  max: number | undefined;
}

/** A rule for the characters of a JSON string, without its quotes, that match; lengths are kept to where they can be. */
export function patternRule(gbnf: GbnfRules, source: string, { min, max }: Lengths): string {
  const alternatives = parse(source);
  return partRule(gbnf, fittedChoice(alternatives, { min, max }) ?? { kind: 'choice', alternatives });
}

/** The parts with what of the one that varies has the lengths asked for; undefined where nothing has. */
function fitted(sequence: readonly Part[], { min, max = Infinity }: Lengths): Part[] | undefined {
  const parts = flattened(sequence);
  const [open, ...more] = parts.filter((part) => !isFixed(part));
  if ((min <= 0 && max === Infinity) || more.length > 0) return parts;
  const others = parts.reduce((sum, part) => sum + (part === open ? 0 : lengthOf(part).min), 0);
  const left = { min: min - others, max: max - others };
  if (!open) return left.min <= 0 && left.max >= 0 ? parts : undefined;
  const narrowed = open.kind === 'choice' ? fittedChoice(open.alternatives, left) : fittedRepeat(open, left);
  return narrowed && parts.map((part) => (part === open ? narrowed : part));
}

function fittedChoice(alternatives: readonly Part[][], lengths: Lengths): Part | undefined {
  const fitting = alternatives.map((parts) => fitted(parts, lengths)).filter((parts) => parts !== undefined);
  return fitting.length > 0 ? { kind: 'choice', alternatives: fitting } : undefined;
}

function fittedRepeat(part: Part, { min, max }: { min: number; max: number }): Part | undefined {
  if (part.kind !== 'repeat' || !isFixed(part.part)) return part;
  const length = lengthOf(part.part).min;
  const least = Math.max(part.min, Math.ceil(min / length));
  const most = Math.min(part.max, Math.floor(max / length));
  return least > most ? undefined : { ...part, min: least, max: most };
}

function isFixed(part: Part): boolean {
  const { min, max } = lengthOf(part);
  return min === max;
}

/** Without groups of one alternative, and without `.*` beside what may be anything. */
function flattened(sequence: readonly Part[]): Part[] {
  const parts = sequence.flatMap((part) =>
    part.kind === 'choice' && part.alternatives.length === 1 ? flattened(part.alternatives[0]!) : [part],
  );
  return parts.filter(
    (part, at) =>
      !isAnyLength(part) || !(isAnything(parts[at + 1]) || (isAnything(parts[at - 1]) && !isAnything(part))),
  );
}

const isAnyLength = (part: Part): boolean =>
  part.kind === 'repeat' && part.part.kind === 'characters' && part.min === 0 && part.max === Infinity;

function isAnything(part: Part | undefined): boolean {
  if (part?.kind !== 'repeat' || part.part.kind !== 'characters' || !isAnyLength(part)) return false;
  const [range, ...more] = part.part.ranges;
  return more.length === 0 && range?.[0] === 0 && range[1] === highest;
}

function parse(given: string): Part[][] {
  const source = decimalText(given) ?? unicodePattern(given);
  const Parser = loadParser();
  const { alternatives } = new Parser({ ecmaVersion: 2024 }).parsePattern(source, 0, source.length, { unicode: true });
  return alternatives.map((alternative) => anchored(alternative.elements));
}

const isEdge = (element: AST.Element | undefined, kind: 'start' | 'end'): boolean =>
  element?.type === 'Assertion' && element.kind === kind;

/** Whatever may stand before and behind, where the pattern does not say that it is the beginning and the end. */
function anchored(elements: readonly AST.Element[]): Part[] {
  const anything: Part = {
    kind: 'repeat',
    part: { kind: 'characters', ranges: [[0, highest]] },
    min: 0,
    max: Infinity,
  };
  const inner = elements.length === 1 ? innerAlternatives(elements[0]!) : undefined;
  if (inner?.some((one) => isEdge(one.elements[0], 'start') || isEdge(one.elements.at(-1), 'end'))) {
    return [{ kind: 'choice', alternatives: inner.map((one) => anchored(one.elements)) }];
  }
  const starts = isEdge(elements[0], 'start');
  const ends = isEdge(elements.at(-1), 'end');
  const body = elements.slice(starts ? 1 : 0, ends ? -1 : undefined).map(partOf);
  return [...(starts ? [] : [anything]), ...body, ...(ends ? [] : [anything])];
}

function innerAlternatives(element: AST.Element): readonly AST.Alternative[] | undefined {
  return element.type === 'Group' || element.type === 'CapturingGroup' ? element.alternatives : undefined;
}

function partOf(element: AST.Element): Part {
  if (element.type === 'Character') return { kind: 'characters', ranges: [[element.value, element.value]] };
  if (element.type === 'CharacterSet') return { kind: 'characters', ranges: setRanges(element) };
  if (element.type === 'CharacterClass') return { kind: 'characters', ranges: classRanges(element) };
  const alternatives = innerAlternatives(element);
  if (alternatives) return { kind: 'choice', alternatives: alternatives.map(({ elements }) => elements.map(partOf)) };
  if (element.type !== 'Quantifier') throw new Error(`${element.raw} cannot be turned into a grammar`);
  const part = partOf(element.element);
  const { min, max } = element;
  const isEndlessNothing = max === Infinity && lengthOf(part).min === 0;
  if (!isEndlessNothing) return { kind: 'repeat', part, min, max };
  if (lengthOf(part).max === 0) return { kind: 'choice', alternatives: [[]] };
  return { kind: 'repeat', part: notEmpty(part), min: 0, max };
}

/** The part without the empty text: rounds of nothing would have no end, and change nothing. */
function notEmpty(part: Part): Part {
  if (part.kind === 'characters') return part;
  if (part.kind === 'repeat') return { ...part, part: notEmpty(part.part), min: Math.max(1, part.min) };
  const alternatives = part.alternatives.flatMap((parts) => {
    if (parts.some((one) => lengthOf(one).min > 0)) return [parts];
    return parts.flatMap((one, at) => (lengthOf(one).max === 0 ? [] : [[notEmpty(one), ...parts.slice(at + 1)]]));
  });
  return { kind: 'choice', alternatives };
}

function classRanges({ elements, negate }: AST.CharacterClass): Ranges {
  const ranges = elements.flatMap((element): Ranges => {
    if (element.type === 'Character') return [[element.value, element.value]];
    if (element.type === 'CharacterClassRange') return [[element.min.value, element.max.value]];
    if (element.type === 'CharacterSet') return setRanges(element);
    throw new Error(`${element.raw} cannot be turned into a grammar`);
  });
  return negate ? complement(ranges) : ranges;
}

function setRanges(set: AST.CharacterSet): Ranges {
  if (set.kind === 'any') return complement(lineEnds);
  if (set.kind === 'property') return propertyRanges(set.raw);
  const ranges = set.kind === 'digit' ? digits : set.kind === 'word' ? words : propertyRanges('\\s');
  return set.negate ? complement(ranges) : ranges;
}

/** What Unicode says never changes, there are some hundred names, and patterns may say one of them thousands of times. */
const properties = new Map<string, Ranges>();

/** Of what JavaScript itself knows about characters. */
function propertyRanges(raw: string): Ranges {
  const known = properties.get(raw);
  if (known) return known;
  const ranges = surrogateFree.flatMap(([low, high], at) => {
    const characters = (spans[at] ??= charactersBetween(low, high));
    return Array.from(characters.matchAll(new RegExp(`${raw}+`, 'gu')), ({ 0: run, index }): [number, number] => {
      const from = characters.codePointAt(index)!;
      return [from, from + lengthInCharacters(run) - 1];
    });
  });
  properties.set(raw, ranges);
  return ranges;
}

const surrogateFree: Ranges = [
  [0, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, highest],
];

/** Made once: 4 MB, and longer in the making than any search through them. */
const spans: string[] = [];

const lengthInCharacters = (text: string): number => (text.codePointAt(0)! > 0xffff ? text.length / 2 : text.length);

function charactersBetween(low: number, high: number): string {
  const parts: string[] = [];
  for (let from = low; from <= high; from += 0x1000) {
    const count = Math.min(0x1000, high - from + 1);
    parts.push(String.fromCodePoint(...Array.from({ length: count }, (_, at) => from + at)));
  }
  return parts.join('');
}

function complement(ranges: Ranges): Ranges {
  const others: [number, number][] = [];
  let from = 0;
  for (const [low, high] of ranges.toSorted(([a], [b]) => a - b)) {
    if (low > from) others.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  return from <= highest ? [...others, [from, highest]] : others;
}

function lengthOf(part: Part): { min: number; max: number } {
  if (part.kind === 'characters') return { min: 1, max: 1 };
  if (part.kind === 'repeat') {
    const { min, max } = lengthOf(part.part);
    return { min: min * part.min, max: max === 0 || part.max === 0 ? 0 : max * part.max };
  }
  const lengths = part.alternatives.map((parts) => parts.map(lengthOf));
  return {
    min: Math.min(...lengths.map((all) => all.reduce((sum, { min }) => sum + min, 0))),
    max: Math.max(...lengths.map((all) => all.reduce((sum, { max }) => sum + max, 0))),
  };
}

function partRule(gbnf: GbnfRules, part: Part): string {
  if (part.kind === 'characters') return gbnf.add(charactersBody(part.ranges));
  if (part.kind === 'repeat') {
    const { min, max } = part;
    const item = partRule(gbnf, part.part);
    return gbnf.add(gbnf.repeat(item, { min, max: max === Infinity ? undefined : max }));
  }
  const bodies = part.alternatives.map((parts) => parts.map((one) => partRule(gbnf, one)).join(' ') || empty);
  return gbnf.add(anyOf(bodies));
}

/** As JSON writes them: in themselves, or escaped. Control characters without a short escape are left out. */
function charactersBody(ranges: Ranges): string {
  const plain = plainRanges.flatMap(([low, high]) =>
    ranges.flatMap(([from, to]): (readonly [number, number])[] => {
      const [first, last] = [Math.max(low, from), Math.min(high, to)];
      return first <= last ? [[first, last]] : [];
    }),
  );
  const escaped = Object.entries(escapes)
    .filter(([character]) =>
      ranges.some(([from, to]) => character.charCodeAt(0) >= from && character.charCodeAt(0) <= to),
    )
    .map(([, text]) => literal(text));
  if (plain.length + escaped.length === 0) throw new Error('a class has no character that JSON can write');
  return anyOf([...(plain.length > 0 ? [characterClass(plain)] : []), ...escaped]);
}
