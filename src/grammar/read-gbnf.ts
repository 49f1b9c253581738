import { PixtralError } from '../base/errors.ts';

/** A grammar as it is written. */
export type GbnfItem =
  | { kind: 'characters' }
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
/** The reader recurses. */
const maxDepth = 100;

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

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  rules(): GbnfRule[] {
    const rules: GbnfRule[] = [];
    this.#space({ newlines: true });
    while (this.#at < this.#text.length) {
      const at = this.#at;
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
    const items: GbnfItem[] = [];
    for (;;) {
      const item = this.#item();
      if (item === undefined) return items;
      this.#space({ newlines: nested });
      items.push(this.#repeated(item, { nested }));
    }
  }

  #item(): GbnfItem | undefined {
    const at = this.#at;
    if (this.#match(/"/y) !== undefined) return this.#literal();
    if (this.#match(/\[\^?/y) !== undefined) return this.#class();
    if (this.#match(/\./y) !== undefined) return { kind: 'characters' };
    if (this.#match(/\(/y) !== undefined) return this.#group();
    if (this.#match(/[<!]/y) !== undefined) this.#fail('tokens (<...>) cannot be named here, expected characters', at);
    const name = this.#match(/[a-zA-Z0-9-]+/y);
    if (name !== undefined) return { kind: 'rule', name, at };
    if (this.#match(/[*+?{]/y) !== undefined) this.#fail('nothing stands before this repetition', at);
    return undefined;
  }

  #literal(): GbnfItem {
    let isEmpty = true;
    while (this.#match(/"/y) === undefined) {
      this.#character();
      isEmpty = false;
    }
    return isEmpty ? { kind: 'group', alternatives: [[]] } : { kind: 'characters' };
  }

  #class(): GbnfItem {
    const start = this.#at;
    while (this.#match(/\]/y) === undefined) {
      this.#character();
      if (this.#match(/-(?!\])/y) !== undefined) this.#character();
    }
    if (this.#at === start + 1) this.#fail('a class without characters', start);
    return { kind: 'characters' };
  }

  #character(): void {
    const at = this.#at;
    if (this.#match(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[trn\\"[\]-])/y) !== undefined) return;
    if (this.#match(/\\/y) !== undefined) this.#fail('an escape that GBNF does not have', at);
    if (this.#match(/[^]/uy) === undefined) this.#fail('the grammar ends before this does', at);
  }

  #group(): GbnfItem {
    if (++this.#depth > maxDepth) this.#fail(`parentheses are nested ${maxDepth} deep`);
    this.#space({ newlines: true });
    const alternatives = this.#alternatives({ nested: true });
    this.#depth--;
    if (this.#match(/\)/y) === undefined) this.#fail('expected )');
    return { kind: 'group', alternatives };
  }

  #repeated(item: GbnfItem, { nested }: { nested: boolean }): GbnfItem {
    const at = this.#at;
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
    return this.#repeated({ kind: 'repeat', item, min, max, at }, { nested });
  }

  #space({ newlines }: { newlines: boolean }): void {
    this.#match(newlines ? /([ \t\r\n]|#[^\r\n]*)*/y : /([ \t]|#[^\r\n]*)*/y);
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
