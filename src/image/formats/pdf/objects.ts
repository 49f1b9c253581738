import { constants, inflateSync } from 'node:zlib';

/**
 * The objects of a PDF as PDFium writes it anew: not encrypted, each for itself. For what no call of PDFium tells.
 * Source: ISO 32000-1, 7.3.
 */
export type PdfValue =
  | { kind: 'name' | 'string' | 'word'; text: string }
  | { kind: 'reference'; number: number }
  | { kind: 'array'; items: PdfValue[] }
  | { kind: 'dictionary'; entries: ReadonlyMap<string, PdfValue> };

export function nameOf(value: PdfValue): string | undefined {
  return value.kind === 'name' ? value.text : undefined;
}

export function wordOf(value: PdfValue): string | undefined {
  return value.kind === 'word' ? value.text : undefined;
}

/** None, where it is no dictionary. */
export function entriesOf(value: PdfValue): ReadonlyMap<string, PdfValue> {
  return value.kind === 'dictionary' ? value.entries : new Map();
}

const none: PdfValue = { kind: 'word', text: 'null' };
/** Deeper ones are made to do harm. */
const maxDepth = 50;
/** Of a file, where it says at which byte its table of objects begins. */
const tailLength = 100;
/** Of a stream that is read here: a page's drawing, not its pictures. */
const maxOutputLength = 2 ** 22;

export class PdfObjects {
  readonly #file: string;
  readonly #places = new Map<number, number>();

  constructor(file: Uint8Array) {
    this.#file = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('latin1');
    const start = Number(/startxref\s+(\d+)/.exec(this.#file.slice(-tailLength))?.[1]);
    const [table = ''] = this.#file.slice(start).split('trailer', 1);
    let number = 0;
    for (const line of table.split(/[\r\n]+/)) {
      const first = /^(\d+) \d+$/.exec(line.trim())?.[1];
      if (first !== undefined) number = Number(first);
      const place = /^(\d{10}) \d{5} ([fn])/.exec(line);
      if (place?.[2] === 'n') this.#places.set(number, this.#behindNumber(Number(place[1])));
      if (place) number++;
    }
  }

  #behindNumber(place: number): number {
    return this.#file.indexOf('obj', place) + 'obj'.length;
  }

  get catalog(): PdfValue {
    const reference = /\/Root (\d+) \d+ R/.exec(this.#file.slice(this.#file.lastIndexOf('trailer')))?.[1];
    return reference === undefined ? none : this.object(Number(reference));
  }

  object(number: number): PdfValue {
    const place = this.#places.get(number);
    return place === undefined ? none : new Parser(this.#file, place).value();
  }

  get numbers(): Iterable<number> {
    return this.#places.keys();
  }

  /** A number that no object has. */
  get nextNumber(): number {
    return [...this.#places.keys()].reduce((most, number) => Math.max(most, number), 0) + 1;
  }

  /** The object as it is written, up to the end of its dictionary or array. */
  textOf(number: number): string {
    const place = this.#places.get(number);
    if (place === undefined) return '';
    const parser = new Parser(this.#file, place);
    parser.value();
    return this.#file.slice(place, parser.at);
  }

  /** The bytes behind the dictionary of a stream, as they are stored; undefined when it is none. */
  stored(number: number): string | undefined {
    const place = this.#places.get(number);
    if (place === undefined) return undefined;
    const parser = new Parser(this.#file, place);
    const length = this.entry(parser.value(), 'Length');
    const opening = parser.take(/\s*stream\r?\n/y);
    if (!opening || length.kind !== 'word' || !/^\d+$/.test(length.text)) return undefined;
    return this.#file.slice(parser.at, parser.at + Number(length.text));
  }

  /** What a stream holds; undefined when it is packed in more ways than one, or not as operators are. */
  content(number: number): string | undefined {
    const stored = this.stored(number);
    const filters = this.items(this.object(number), 'Filter').map((item) => this.resolved(item));
    if (stored === undefined || filters.length === 0) return stored;
    if (filters.length > 1 || nameOf(filters[0]!) !== 'FlateDecode') return undefined;
    try {
      const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength };
      return inflateSync(Buffer.from(stored, 'latin1'), options).toString('latin1');
    } catch {
      return undefined;
    }
  }

  /** The file with some of its objects written anew behind the others, or added. Source: ISO 32000-1, 7.5.6. */
  updated(objects: ReadonlyMap<number, string>): Uint8Array {
    const trailer = this.#file.slice(this.#file.lastIndexOf('trailer'));
    const [size, root, previous] = [/\/Size (\d+)/, /\/Root (\d+ \d+ R)/, /startxref\s+(\d+)/].map(
      (pattern) => pattern.exec(trailer)?.[1],
    );
    let at = this.#file.length;
    const parts: string[] = [];
    const table: string[] = [];
    for (const [number, object] of objects) {
      const part = `\n${number} 0 obj\n${object}\nendobj\n`;
      table.push(`${number} 1\n${String(at + 1).padStart(10, '0')} 00000 n \n`);
      parts.push(part);
      at += part.length;
    }
    const newSize = Math.max(Number(size), ...[...objects.keys()].map((number) => number + 1));
    const end = `trailer\n<< /Size ${newSize} /Root ${root} /Prev ${previous} >>\nstartxref\n${at}\n%%EOF\n`;
    return Buffer.from([this.#file, ...parts, 'xref\n', ...table, end].join(''), 'latin1');
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

  /** Where it stands. */
  get at(): number {
    return this.#at;
  }

  value(depth = 0): PdfValue {
    this.take(space);
    if (depth > maxDepth || this.#at >= this.#file.length) return none;
    if (this.#file.startsWith('<<', this.#at)) return this.#dictionary(depth);
    if (this.#file[this.#at] === '[') return { kind: 'array', items: this.#until(']', depth) };
    if (this.#file[this.#at] === '(') return this.#string();
    const found = this.take(reference);
    if (found) return { kind: 'reference', number: Number(found[1]) };
    const hex = this.take(hexString);
    if (hex) return { kind: 'string', text: Buffer.from(hex[1]!, 'hex').toString('latin1') };
    const text = this.take(nameOrWord)?.[0] ?? '';
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
    for (this.take(space); this.#at < this.#file.length; this.take(space)) {
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

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#file) ?? undefined;
    if (match) this.#at += match[0].length;
    return match;
  }
}
