/** Picks a whole number from 0 to `below` - 1. */
export type Pick = (below: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function seededPick(seed: number): Pick {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Part =
  | { kind: 'text'; text: string }
  | { kind: 'class'; ranges: [number, number][] }
  | { kind: 'rule'; name: string }
  | { kind: 'choice'; choices: Part[][] }
  | { kind: 'times'; part: Part; min: number; max: number };

/** Lists without a limit grow to this. */
const someTimes = 3;
/** Deeper, the shortest way out is taken. */
const maxDepth = 40;

/**
 * Writes random texts of a grammar in GBNF. A second reading of the notation, which shares nothing with src/grammar:
 * what it writes from our grammars is what they really allow.
 */
export function gbnfWriter(grammar: string): (pick: Pick) => string {
  const rules = new Map<string, Part>();
  for (const line of grammar.split('\n')) {
    const [, name, body] = /^([a-zA-Z0-9-]+) ::= ?(.*)$/.exec(line)!;
    rules.set(name!, readChoice({ text: body!, at: 0 }));
  }
  const heights = ruleHeights(rules);

  const write = (part: Part, pick: Pick, depth: number): string => {
    if (part.kind === 'text') return part.text;
    if (part.kind === 'class') return characterOf(part.ranges, pick);
    if (part.kind === 'rule') return write(rules.get(part.name)!, pick, depth + 1);
    if (part.kind === 'times') {
      return Array.from({ length: timesOf(part, { pick, depth }) }, () => write(part.part, pick, depth)).join('');
    }
    const lowest = part.choices.toSorted((a, b) => sequenceHeight(a, heights) - sequenceHeight(b, heights))[0]!;
    const chosen = depth > maxDepth ? lowest : part.choices[pick(part.choices.length)]!;
    return chosen.map((one) => write(one, pick, depth)).join('');
  };
  return (pick) => write({ kind: 'rule', name: 'root' }, pick, 0);
}

/** Now and then the most of a long limit, to test the limit. */
function timesOf({ min, max }: { min: number; max: number }, { pick, depth }: { pick: Pick; depth: number }): number {
  if (depth > maxDepth) return min;
  if (max !== Infinity && max - min > 99 && pick(8) === 0) return max;
  return min + pick(Math.min(max - min, someTimes) + 1);
}

function characterOf(ranges: [number, number][], pick: Pick): string {
  const [low, high] = ranges[pick(ranges.length)]!;
  return String.fromCodePoint(low + pick(high - low + 1));
}

interface Source {
  text: string;
  at: number;
}

function readChoice(source: Source): Part {
  const choices: Part[][] = [[]];
  while (source.at < source.text.length && source.text[source.at] !== ')') {
    const sign = source.text[source.at]!;
    if (sign === ' ') source.at++;
    else if (sign === '|') {
      source.at++;
      choices.push([]);
    } else choices.at(-1)!.push(readTimes(source, readPart(source)));
  }
  return { kind: 'choice', choices };
}

function readPart(source: Source): Part {
  const sign = source.text[source.at]!;
  if (sign === '"') {
    source.at++;
    let text = '';
    while (source.text[source.at] !== '"') text += String.fromCodePoint(readCharacter(source));
    source.at++;
    return { kind: 'text', text };
  }
  if (sign === '[') {
    source.at++;
    const ranges: [number, number][] = [];
    while (source.text[source.at] !== ']') {
      const low = readCharacter(source);
      const isRange = source.text[source.at] === '-' && source.text[source.at + 1] !== ']';
      if (isRange) source.at++;
      ranges.push([low, isRange ? readCharacter(source) : low]);
    }
    source.at++;
    return { kind: 'class', ranges };
  }
  if (sign === '(') {
    source.at++;
    const choice = readChoice(source);
    source.at++;
    return choice;
  }
  const name = /^[a-zA-Z0-9-]+/.exec(source.text.slice(source.at))?.[0];
  if (name === undefined) throw new Error(`what is this: ${source.text.slice(source.at)}`);
  source.at += name.length;
  return { kind: 'rule', name };
}

function readTimes(source: Source, part: Part): Part {
  const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(source.text.slice(source.at));
  if (!found) return part;
  source.at += found[0].length;
  const [sign, min, comma, max] = found;
  if (min === undefined) return { kind: 'times', part, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity };
  return {
    kind: 'times',
    part,
    min: Number(min),
    max: comma === '' ? Number(min) : max === '' ? Infinity : Number(max),
  };
}

function readCharacter(source: Source): number {
  const rest = source.text.slice(source.at);
  const hex = /^\\(?:x(..)|u(....)|U(.{8}))/.exec(rest);
  if (hex) {
    source.at += hex[0].length;
    return Number.parseInt((hex[1] ?? hex[2] ?? hex[3])!, 16);
  }
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  const character = rest[0] === '\\' ? (escapes[rest[1]!] ?? rest[1]!) : String.fromCodePoint(rest.codePointAt(0)!);
  source.at += rest[0] === '\\' ? 2 : character.length;
  return character.codePointAt(0)!;
}

/** How deep the shortest text of each rule is. */
function ruleHeights(rules: ReadonlyMap<string, Part>): Map<string, number> {
  const heights = new Map<string, number>();
  for (let changed = true; changed;) {
    changed = false;
    for (const [name, part] of rules) {
      const height = partHeight(part, heights) + 1;
      if (height < (heights.get(name) ?? Infinity)) {
        heights.set(name, height);
        changed = true;
      }
    }
  }
  return heights;
}

function sequenceHeight(parts: readonly Part[], heights: ReadonlyMap<string, number>): number {
  return Math.max(0, ...parts.map((part) => partHeight(part, heights)));
}

function partHeight(part: Part, heights: ReadonlyMap<string, number>): number {
  if (part.kind === 'rule') return heights.get(part.name) ?? Infinity;
  if (part.kind === 'times') return part.min === 0 ? 0 : partHeight(part.part, heights);
  if (part.kind === 'choice') return Math.min(...part.choices.map((choice) => sequenceHeight(choice, heights)));
  return 0;
}
