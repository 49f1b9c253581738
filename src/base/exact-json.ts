import { isTooDeep, maxNesting, stringEnd } from './nesting.ts';

/**
 * A JSON value that is written again as Python writes it: numbers keep their kind (1.0 is not 1) and all their digits,
 * keys their order (JavaScript puts "2" before "a").
 */
export type ExactJson =
  | { kind: 'number' | 'word'; text: string }
  | { kind: 'string'; text: string }
  | { kind: 'list'; items: readonly ExactJson[] }
  | { kind: 'object'; fields: ReadonlyMap<string, ExactJson> };

/**
 * What Python's `json.loads` reads: NaN and Infinity count as numbers, the last of two equal keys wins.
 * @throws SyntaxError for anything else, RangeError for what is too deep or too long to be read
 */
export function parseExactJson(json: string): ExactJson {
  if (isTooDeep(json)) throw new RangeError(`is nested more than ${maxNesting} levels deep`);
  const reader = new Reader(json);
  const value = reader.value();
  reader.end();
  return value;
}

/** As Python's `json.dumps(value, ensure_ascii=False)` does it: `{"a": [1, 2.0]}`. */
export function writeExactJson(value: ExactJson): string {
  switch (value.kind) {
    case 'number':
    case 'word':
      return value.text;
    case 'string':
      return quoted(value.text);
    case 'list':
      return `[${value.items.map(writeExactJson).join(', ')}]`;
    case 'object':
      return `{${[...value.fields].map(([key, field]) => `${quoted(key)}: ${writeExactJson(field)}`).join(', ')}}`;
    default:
      return value satisfies never;
  }
}

/** What stands at a path of keys and indexes; undefined where nothing does. */
export function exactAt(value: ExactJson | undefined, path: readonly (string | number)[]): ExactJson | undefined {
  const [step, ...rest] = path;
  if (step === undefined || value === undefined) return value;
  if (value.kind === 'list') return typeof step === 'number' ? exactAt(value.items[step], rest) : undefined;
  return value.kind === 'object' ? exactAt(value.fields.get(String(step)), rest) : undefined;
}

/** A text as a value. */
export const exactString = (text: string): ExactJson => ({ kind: 'string', text });

export const exactList = (items: readonly ExactJson[]): ExactJson => ({ kind: 'list', items });

export function exactObject(fields: Readonly<Record<string, ExactJson>>): ExactJson {
  return { kind: 'object', fields: new Map(Object.entries(fields)) };
}

/** Only what JSON cannot hold as it is; all else stays, an unpaired surrogate too. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\\p{Cc}]/gu, (character) => escapes.get(character) ?? controlEscape(character))}"`;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\f', '\\f'],
  ['\b', '\\b'],
]);

/** Only those below the space; the others of Unicode's control characters stay. */
function controlEscape(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x20 ? `\\u${code.toString(16).padStart(4, '0')}` : character;
}

const words: ReadonlyMap<string, ExactJson> = new Map(
  (
    [
      ['word', 'true'],
      ['word', 'false'],
      ['word', 'null'],
      ['number', 'NaN'],
      ['number', 'Infinity'],
      ['number', '-Infinity'],
    ] as const
  ).map(([kind, text]) => [text, { kind, text }]),
);

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
const word = /true|false|null|NaN|-?Infinity/y;
/** Python refuses to read longer ones: their reading is quadratic. */
const maxDigits = 4300;

class Reader {
  readonly #json: string;
  #at = 0;

  constructor(json: string) {
    this.#json = json;
    this.#take(space);
  }

  value(): ExactJson {
    const next = this.#json[this.#at];
    if (next === '{') return this.#object();
    if (next === '[') return this.#list();
    if (next === '"') return exactString(this.#string());
    const named = this.#take(word);
    if (named) return words.get(named[0])!;
    const found = this.#take(number);
    if (!found) throw this.#wrong('a value');
    const [digits, fraction, exponent] = found;
    return { kind: 'number', text: (fraction ?? exponent) ? pythonFloat(Number(digits)) : wholeNumber(digits) };
  }

  end(): void {
    if (this.#at < this.#json.length) throw this.#wrong('the end');
  }

  #object(): ExactJson {
    const fields = new Map<string, ExactJson>();
    this.#elements('}', () => {
      const key = this.#string();
      this.#expect(':');
      fields.set(key, this.value());
    });
    return { kind: 'object', fields };
  }

  #list(): ExactJson {
    const items: ExactJson[] = [];
    this.#elements(']', () => items.push(this.value()));
    return exactList(items);
  }

  #elements(close: string, element: () => void): void {
    this.#at++;
    this.#take(space);
    if (this.#json[this.#at] !== close) {
      do element();
      while (this.#isNext(','));
    }
    this.#expect(close);
  }

  #string(): string {
    const start = this.#at;
    if (this.#json[start] !== '"') throw this.#wrong('a string');
    this.#at = stringEnd(this.#json, start) + 1;
    const text = JSON.parse(this.#json.slice(start, this.#at)) as string;
    this.#take(space);
    return text;
  }

  #isNext(character: string): boolean {
    if (this.#json[this.#at] !== character) return false;
    this.#at++;
    this.#take(space);
    return true;
  }

  #expect(character: string): void {
    if (!this.#isNext(character)) throw this.#wrong(JSON.stringify(character));
  }

  /** What stands here, with the space behind it passed over. */
  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#json) ?? undefined;
    if (!found) return undefined;
    this.#at = pattern.lastIndex;
    if (pattern !== space) this.#take(space);
    return found;
  }

  #wrong(expected: string): SyntaxError {
    return new SyntaxError(`expected ${expected} at character ${this.#at + 1}`);
  }
}

function wholeNumber(digits: string): string {
  if (digits.replace('-', '').length > maxDigits) throw new RangeError(`has a number of more than ${maxDigits} digits`);
  return digits === '-0' ? '0' : digits;
}

/** `repr(float)`: the shortest digits that read back, in powers of ten below 1e-4 and from 1e16 on. */
function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    const sign = power < 0 ? '-' : '+';
    return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const plain = String(value); // plain notation: JavaScript leaves it at 1e21 and below 1e-6, beyond Python's ends
  return plain.includes('.') ? plain : `${plain}.0`;
}
