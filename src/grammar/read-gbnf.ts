import { PixtralError } from '../base/errors.ts';

/** Code points, both included. */
export type CodeRange = readonly [low: number, high: number];

/** A grammar as it is written. */
export type GbnfItem =
  /** One character of these. */
  | { kind: 'characters'; ranges: readonly CodeRange[] }
  | { kind: 'rule'; name: string; at: number }
  | { kind: 'group'; alternatives: GbnfItem[][] }
  | { kind: 'repeat'; item: GbnfItem; min: number; max: number; at: number };

export interface GbnfRule {
  name: string;
  at: number;
  alternatives: GbnfItem[][];
}

/** llama.cpp refuses more, or takes it for "without limit". */
const maxTimes = 2000;
const highest = 0x10ffff;
/** The reader recurses. */
const maxDepth = 100;
/** Every rule is followed to its ends, and every alternative is tried with every token that might come next. */
const limits = { rules: 1000, alternatives: 60_000 };

/** The error of a place in a grammar, by line and column. */
export function gbnfError(
  { text, where }: { text: string; where: string },
  { at, what }: { at: number; what: string },
): PixtralError {
  const lines = text.slice(0, at).split('\n');
  const place = `${where}: line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
  return new PixtralError('input', `${place}: ${what}`, {
    hint: "the notation is GBNF: see grammars/README.md in llama.cpp's repository",
  });
}

/**
 * Reads GBNF as llama.cpp does. It would print an error and the whole grammar on the process's stderr, and some
 * mistakes ({3,2}) would keep it busy for ever.
 * @throws PixtralError `input`, with line and column
 */
export function readGbnf(text: string, where: string): GbnfRule[] {
  return new GbnfReader(text, where).rules();
}

class GbnfReader {
  readonly #text: string;
  readonly #where: string;
  #at = 0;
  #depth = 0;
  #alternativesRead = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  rules(): GbnfRule[] {
    const rules: GbnfRule[] = [];
    this.#space({ newlines: true });
    while (this.#at < this.#text.length) {
      const at = this.#at;
      if (rules.length === limits.rules) this.#fail(`expected at most ${limits.rules} rules`);
      const name = this.#match(/[a-zA-Z0-9-]+/y) ?? this.#fail('expected the name of a rule');
      this.#space({ newlines: false });
      if (this.#match(/::=/y) === undefined) this.#fail('expected ::=');
      this.#space({ newlines: true });
      rules.push({ name, at, alternatives: this.#alternatives({ nested: false }) });
      if (this.#at < this.#text.length && this.#match(/\r?\n|\r/y) === undefined)
        this.#fail('expected the end of the rule');
      this.#space({ newlines: true });
    }
    return rules;
  }

  #alternatives({ nested }: { nested: boolean }): GbnfItem[][] {
    const alternatives = [this.#sequence({ nested })];
    while (this.#match(/\|/y) !== undefined) {
      this.#space({ newlines: true });
      alternatives.push(this.#sequence({ nested }));
    }
    return alternatives;
  }

  #sequence({ nested }: { nested: boolean }): GbnfItem[] {
    if (++this.#alternativesRead > limits.alternatives) {
      this.#fail(`expected at most ${limits.alternatives} alternatives`);
    }
    const items: GbnfItem[] = [];
    for (;;) {
      const item = this.#item();
      if (item === undefined) return items;
      this.#space({ newlines: nested });
      items.push(this.#repeated(item, { nested, depth: 0 }));
    }
  }

  #item(): GbnfItem | undefined {
    const at = this.#at;
    if (this.#match(/"/y) !== undefined) return this.#literal();
    const open = this.#match(/\[\^?/y);
    if (open !== undefined) return this.#class({ isNegated: open === '[^' });
    if (this.#match(/\./y) !== undefined) return { kind: 'characters', ranges: [[0, highest]] };
    if (this.#match(/\(/y) !== undefined) return this.#group();
    if (this.#match(/[<!]/y) !== undefined) this.#fail('tokens (<...>) cannot be named here, expected characters', at);
    const name = this.#match(/[a-zA-Z0-9-]+/y);
    if (name !== undefined) return { kind: 'rule', name, at };
    if (this.#match(/[*+?{]/y) !== undefined) this.#fail('nothing stands before this repetition', at);
    return undefined;
  }

  #literal(): GbnfItem {
    const characters: GbnfItem[] = [];
    while (this.#match(/"/y) === undefined) {
      const code = this.#character();
      characters.push({ kind: 'characters', ranges: [[code, code]] });
    }
    return characters.length === 1 ? characters[0]! : { kind: 'group', alternatives: [characters] };
  }

  #class({ isNegated }: { isNegated: boolean }): GbnfItem {
    const start = this.#at;
    const ranges: CodeRange[] = [];
    while (this.#match(/\]/y) === undefined) {
      const low = this.#character();
      const high = this.#match(/-(?!\])/y) === undefined ? low : this.#character();
      if (low <= high) ranges.push([low, high]);
    }
    if (this.#at === start + 1) this.#fail('a class without characters', start);
    return { kind: 'characters', ranges: isNegated ? complement(ranges) : ranges };
  }

  /** A code point. */
  #character(): number {
    const at = this.#at;
    const escape = this.#match(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[trn\\"[\]-])/y);
    if (escape !== undefined) {
      if (/^\\[xuU]/.test(escape)) return Number.parseInt(escape.slice(2), 16);
      return (escapes[escape[1]!] ?? escape[1]!).charCodeAt(0);
    }
    if (this.#match(/\\/y) !== undefined) this.#fail('an escape that GBNF does not have', at);
    const character = this.#match(/[^]/uy) ?? this.#fail('the grammar ends before this does', at);
    return character.codePointAt(0)!;
  }

  #group(): GbnfItem {
    if (++this.#depth > maxDepth) this.#fail(`parentheses are nested ${maxDepth} deep`);
    this.#space({ newlines: true });
    const alternatives = this.#alternatives({ nested: true });
    this.#depth--;
    if (this.#match(/\)/y) === undefined) this.#fail('expected )');
    return { kind: 'group', alternatives };
  }

  #repeated(item: GbnfItem, { nested, depth }: { nested: boolean; depth: number }): GbnfItem {
    const at = this.#at;
    if (depth > maxDepth) this.#fail(`more than ${maxDepth} repetitions of one thing`);
    const sign = this.#match(/[*+?]|\{\s*\d+\s*(,\s*(\d+\s*)?)?\}/y);
    if (sign === undefined) {
      if (this.#match(/\{/y) !== undefined) this.#fail('expected {n}, {n,} or {n,m}', at);
      return item;
    }
    if (item.kind === 'group' && item.alternatives.every((one) => one.length === 0)) {
      this.#fail('nothing stands before this repetition', at);
    }
    this.#space({ newlines: nested });
    const { min, max } = times(sign);
    if (max < min) this.#fail(`${sign}: the second number is less than the first`, at);
    if (min > maxTimes || (max > maxTimes && max < Infinity)) this.#fail(`${sign}: expected at most ${maxTimes}`, at);
    return this.#repeated({ kind: 'repeat', item, min, max, at }, { nested, depth: depth + 1 });
  }

  #space({ newlines }: { newlines: boolean }): void {
    const piece = newlines ? /[ \t\r\n]+|#[^\r\n]*/y : /[ \t]+|#[^\r\n]*/y;
    while (this.#match(piece) !== undefined);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #fail(what: string, at = this.#at): never {
    throw gbnfError({ text: this.#text, where: this.#where }, { at, what });
  }
}

const escapes: Record<string, string> = { t: '\t', r: '\r', n: '\n' };

function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const others: CodeRange[] = [];
  let from = 0;
  for (const [low, high] of ranges.toSorted(([a], [b]) => a - b)) {
    if (low > from) others.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= highest) others.push([from, highest]);
  return others;
}

function times(sign: string): { min: number; max: number } {
  if (sign === '*') return { min: 0, max: Infinity };
  if (sign === '+') return { min: 1, max: Infinity };
  if (sign === '?') return { min: 0, max: 1 };
  const [min, max] = sign
    .slice(1, -1)
    .split(',')
    .map((number) => number.trim());
  return { min: Number(min), max: max === '' ? Infinity : Number(max ?? min) };
}
