/**
 * The objects of a PDF as PDFium writes it anew: not encrypted, each for itself. For what no call of PDFium tells.
 * Source: ISO 32000-1, 7.3.
 */
export type PdfValue =
  | { kind: 'name' | 'string' | 'word'; text: string }
  | { kind: 'reference'; number: number }
  | { kind: 'array'; items: PdfValue[] }
  | { kind: 'dictionary'; entries: ReadonlyMap<string, PdfValue> };

const none: PdfValue = { kind: 'word', text: 'null' };
/** Deeper ones are made to do harm. */
const maxDepth = 50;

export class PdfObjects {
  readonly #file: string;
  readonly #places = new Map<number, number>();

  constructor(file: Uint8Array) {
    this.#file = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1');
    for (const match of this.#file.matchAll(/(?:^|[\r\n])(\d+) \d+ obj\b/g)) {
      this.#places.set(Number(match[1]), match.index + match[0].length);
    }
  }

  get catalog(): PdfValue {
    const reference = /\/Root (\d+) \d+ R/.exec(this.#file.slice(this.#file.lastIndexOf('trailer')))?.[1];
    return reference === undefined ? none : this.object(Number(reference));
  }

  object(number: number): PdfValue {
    const place = this.#places.get(number);
    return place === undefined ? none : new Parser(this.#file, place).value();
  }

  match(pattern: RegExp): boolean {
    return pattern.test(this.#file);
  }

  /** The file with another name, of the same length, in some of its objects. */
  renamed(numbers: readonly number[], from: string, to: string): Uint8Array {
    let file = this.#file;
    for (const number of numbers) {
      const start = this.#places.get(number) ?? file.length;
      const end = file.indexOf('endobj', start);
      file = file.slice(0, start) + file.slice(start, end).replaceAll(from, to) + file.slice(end);
    }
    return Buffer.from(file, 'latin1');
  }

  /** An entry of a dictionary, followed to where it is. */
  entry(dictionary: PdfValue, key: string): PdfValue {
    return this.resolved((dictionary.kind === 'dictionary' && dictionary.entries.get(key)) || none);
  }

  /** Entries of an array that are kept as they are; a single value is an array of itself. */
  items(dictionary: PdfValue, key: string): readonly PdfValue[] {
    const raw = dictionary.kind === 'dictionary' ? dictionary.entries.get(key) : undefined;
    const value = raw && this.resolved(raw);
    if (!raw || value?.kind === 'word') return [];
    return value?.kind === 'array' ? value.items : [raw];
  }

  resolved(value: PdfValue): PdfValue {
    return value.kind === 'reference' ? this.object(value.number) : value;
  }
}

/** The object that a text begins with. */
export function parsedObject(text: string): PdfValue {
  return new Parser(text, 0).value();
}

const space = /[\0\t\n\f\r ]*(?:%[^\r\n]*[\0\t\n\f\r ]*)*/y;
const reference = /(\d+)[\0\t\n\f\r ]+\d+[\0\t\n\f\r ]+R(?![^\0\t\n\f\r ()<>[\]{}/%])/y;
const nameOrWord = /\/?[^\0\t\n\f\r ()<>[\]{}/%]*/y;
const hexString = /<([^>]*)>/y;

class Parser {
  readonly #file: string;
  #at: number;

  constructor(file: string, at: number) {
    this.#file = file;
    this.#at = at;
  }

  value(depth = 0): PdfValue {
    this.#take(space);
    if (depth > maxDepth || this.#at >= this.#file.length) return none;
    if (this.#file.startsWith('<<', this.#at)) return this.#dictionary(depth);
    if (this.#file[this.#at] === '[') return { kind: 'array', items: this.#until(']', depth) };
    if (this.#file[this.#at] === '(') return this.#string();
    const found = this.#take(reference);
    if (found) return { kind: 'reference', number: Number(found[1]) };
    const hex = this.#take(hexString);
    if (hex) return { kind: 'string', text: Buffer.from(hex[1]!, 'hex').toString('latin1') };
    const text = this.#take(nameOrWord)?.[0] ?? '';
    if (text === '') this.#at++; // a sign out of place
    return text.startsWith('/') ? { kind: 'name', text: text.slice(1) } : { kind: 'word', text };
  }

  #dictionary(depth: number): PdfValue {
    this.#at++;
    const items = this.#until('>>', depth);
    const entries = new Map<string, PdfValue>();
    for (let index = 0; index + 1 < items.length; index += 2) {
      const key = items[index]!;
      if (key.kind === 'name') entries.set(key.text, items[index + 1]!);
    }
    return { kind: 'dictionary', entries };
  }

  #until(end: string, depth: number): PdfValue[] {
    this.#at++;
    const items: PdfValue[] = [];
    for (this.#take(space); this.#at < this.#file.length; this.#take(space)) {
      if (this.#file.startsWith(end, this.#at)) {
        this.#at += end.length;
        break;
      }
      items.push(this.value(depth + 1));
    }
    return items;
  }

  #string(): PdfValue {
    const start = ++this.#at;
    for (let open = 1; open > 0 && this.#at < this.#file.length; this.#at++) {
      const sign = this.#file[this.#at];
      if (sign === '\\') this.#at++;
      else if (sign === '(') open++;
      else if (sign === ')') open--;
    }
    return { kind: 'string', text: this.#file.slice(start, this.#at - 1) };
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#file) ?? undefined;
    if (match) this.#at += match[0].length;
    return match;
  }
}
