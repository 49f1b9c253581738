import { PixtralError } from '../base/errors.ts';
import { formats } from './formats.ts';
import { type Json, type JsonObject } from './schema.ts';

/**
 * The JSON Schema that a line such as `shop, date: date, total: number, items[]: {name, price: number}` stands for:
 * names with their types, text without one; `?` behind a name: may be missing; `[]`: a list; `a|b`: one of these words.
 * @throws PixtralError `usage`, with the place of what cannot be read
 */
export function shortSchema(text: string): JsonObject {
  const reader = new Reader(text);
  const schema = reader.members();
  if (!reader.isAtEnd) throw reader.error('expected a comma or the end');
  return schema;
}

/** Whether a text is meant as one, and not as a path: no name of a file has a comma, a colon or a brace in it as a rule. */
export function looksShort(text: string): boolean {
  return /^\s*[\p{L}_][\p{L}\p{N}_-]*(\?|\[\])*\s*(,|:\s)/u.test(text) && !/[/\\]/.test(text);
}

const types: Record<string, JsonObject> = {
  text: { type: 'string' },
  string: { type: 'string' },
  number: { type: 'number' },
  integer: { type: 'integer' },
  int: { type: 'integer' },
  boolean: { type: 'boolean' },
  bool: { type: 'boolean' },
};
/** The reader recurses. */
const maxDepth = 50;

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#match(/\s*/y);
    return this.#at === this.#text.length;
  }

  members(): JsonObject {
    if (++this.#depth > maxDepth) throw this.error(`is nested more than ${maxDepth} deep`);
    const properties: [string, Json][] = [];
    const required: string[] = [];
    do {
      const name = this.#match(/\s*([\p{L}_][\p{L}\p{N}_-]*)/uy)?.trim();
      if (name === undefined) throw this.error('expected the name of a field');
      if (properties.some(([known]) => known === name)) throw this.error(`the field ${name} is there twice`);
      if (this.#match(/\?/y) === undefined) required.push(name);
      const isList = this.#match(/\[\]/y) !== undefined;
      const schema = this.#match(/\s*:/y) === undefined ? { type: 'string' } : this.#value();
      properties.push([name, isList ? { type: 'array', items: schema } : schema]);
    } while (this.#match(/\s*,/y) !== undefined);
    this.#depth--;
    return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false };
  }

  #value(): JsonObject {
    if (this.#match(/\s*\{/y) !== undefined) {
      const schema = this.members();
      if (this.#match(/\s*\}/y) === undefined) throw this.error('expected a comma or }');
      return schema;
    }
    const words = this.#match(/\s*[\p{L}\p{N}_-]+(\s*\|\s*[\p{L}\p{N}_-]+)*/uy)
      ?.split('|')
      .map((word) => word.trim());
    if (words === undefined) throw this.error('expected a type, words to choose from, or {');
    const [word] = words;
    if (words.length > 1) return { enum: [...new Set(words)] };
    if (Object.hasOwn(types, word!)) return types[word!]!;
    if (Object.hasOwn(formats, word!)) return { type: 'string', format: word! };
    const known = [...Object.keys(types), ...Object.keys(formats)].join(', ');
    throw this.error(`there is no type ${word}, expected ${known}, or words with | between them`);
  }

  error(what: string): PixtralError {
    return new PixtralError('usage', `--schema: character ${this.#at + 1} of ${JSON.stringify(this.#text)}: ${what}`, {
      hint: "a short form looks like this: --schema 'shop, date: date, total: number, items[]: {name, price: number}'",
    });
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
