/** Repetitions beyond 2000 are errors to llama.cpp, or silently without a limit: longer ones are built from blocks. */
const blockLength = 256;

/** Rules of a grammar in GBNF, llama.cpp's notation (grammars/README.md there). */
export class GbnfRules {
  readonly #rules = new Map<string, string>();
  /** Names by body: the same text needs one rule only. */
  readonly #names = new Map<string, string>();

  /** Adds a rule of that name, unless there is one. Returns the name. */
  define(name: string, body: string): string {
    if (!this.#rules.has(name)) this.#rules.set(name, body);
    return name;
  }

  /** Adds a rule under a name of its own. Returns the name. */
  add(body: string): string {
    const name = this.#names.get(body) ?? this.define(`r${this.#rules.size}`, body);
    this.#names.set(body, name);
    return name;
  }

  /** A rule whose body may refer to itself. Returns the name. */
  recursive(body: (name: string) => string): string {
    const name = this.define(`r${this.#rules.size}`, '');
    this.#rules.set(name, body(name));
    return name;
  }

  /** `item`, a rule's name, from `min` to `max` times. */
  repeat(item: string, { min, max }: { min: number; max: number | undefined }): string {
    const required = this.#exactly(item, min);
    const optional = max === undefined ? `${item}*` : this.#upTo(item, max - min);
    return [required, optional].filter((part) => part !== '').join(' ') || empty;
  }

  /** The grammar that begins with `root`. */
  text(root: string): string {
    return [`root ::= ${root}`, ...[...this.#rules].map(([name, body]) => `${name} ::= ${body}`)].join('\n');
  }

  #exactly(item: string, count: number): string {
    if (count === 0) return '';
    if (count === 1) return item;
    if (count <= blockLength) return `${item}{${count}}`;
    const blocks = `${this.#block(item)}{${Math.floor(count / blockLength)}}`;
    return `${blocks} ${this.#exactly(item, count % blockLength)}`.trimEnd();
  }

  #upTo(item: string, count: number): string {
    if (count === 0) return '';
    if (count <= blockLength) return `${item}{0,${count}}`;
    const blocks = Math.floor((count - blockLength + 1) / blockLength);
    return `${this.#block(item)}{0,${blocks}} ${item}{0,${count - blocks * blockLength}}`;
  }

  #block(item: string): string {
    return this.define(`${item}-x${blockLength}`, `${item}{${blockLength}}`);
  }
}

/** Longest repetition: two levels of blocks, each within llama.cpp's limit. */
export const maxRepetition = 100_000;

/** What matches the empty text. */
export const empty = '""';

/** A text as itself. */
export function literal(text: string): string {
  return `"${Array.from(text, escaped).join('')}"`;
}

/** One of a set of characters: ranges as `A-Z` or single characters, already escaped. */
export function characterClass(ranges: readonly (readonly [low: number, high: number])[]): string {
  const range = ([low, high]: readonly [number, number]): string =>
    low === high ? codePoint(low) : `${codePoint(low)}-${codePoint(high)}`;
  return `[${ranges.map(range).join('')}]`;
}

export function anyOf(alternatives: readonly string[]): string {
  return alternatives.length === 1 ? alternatives[0]! : `(${alternatives.join(' | ')})`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  if (character === '"' || character === '\\') return `\\${character}`;
  return code >= 0x20 && code < 0x7f ? character : codePoint(code);
}

function codePoint(code: number): string {
  const hex = code.toString(16).toUpperCase();
  if (/^[0-9A-Za-z]$/.test(String.fromCodePoint(code))) return String.fromCodePoint(code);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
