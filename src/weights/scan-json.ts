import { PixtralError } from '../base/errors.ts';

/** How much a JSON text may hold. */
export interface JsonLimits {
  depth: number;
  brackets: number;
  /** What is said of a text that holds more. */
  refusal: string;
  /** What the keys of the outermost object are called in messages. */
  topKey: string;
}

const quote = 0x22;
const backslash = 0x5c;
const brace = 0x7b;
const opening = new Set([brace, 0x5b]);
const closing = new Set([0x7d, 0x5d]);
const space = new Set([0x20, 0x09, 0x0a, 0x0d]);
const colon = 0x3a;

/**
 * Looks over JSON for what JSON.parse would hide or choke on: a key that stands twice in an object, of which it takes the
 * last, deep nesting, millions of objects.
 * @throws PixtralError `model`; other faults are left to JSON.parse
 */
export function scanJson(text: Uint8Array, where: string, limits: JsonLimits): void {
  const open: (Set<string> | undefined)[] = []; // keys of the objects, undefined for lists
  let brackets = 0;
  for (let at = 0; at < text.byteLength; at++) {
    const byte = text[at] ?? 0;
    if (byte === quote) {
      const end = stringEnd(text, at);
      const keys = open.at(-1);
      if (keys && isKey(text, end)) {
        const place = open.length === 1 ? `${where}: ${limits.topKey}` : `${where}: the key`;
        addKey(keys, text.subarray(at, end), place);
      }
      at = end - 1;
    } else if (opening.has(byte)) {
      open.push(byte === brace ? new Set() : undefined);
      brackets++;
    } else if (closing.has(byte)) {
      open.pop();
    }
    if (open.length > limits.depth || brackets > limits.brackets) {
      throw new PixtralError('model', `${where}: ${limits.refusal}`);
    }
  }
}

/** The position after the closing quote of the string that opens at `at`, or the end. */
function stringEnd(header: Uint8Array, at: number): number {
  let next = at + 1;
  while (next < header.byteLength && header[next] !== quote) next += header[next] === backslash ? 2 : 1;
  return Math.min(next + 1, header.byteLength);
}

function isKey(header: Uint8Array, end: number): boolean {
  let next = end;
  while (space.has(header[next] ?? 0)) next++;
  return header[next] === colon;
}

function addKey(keys: Set<string>, quoted: Uint8Array, place: string): void {
  const key = unquote(new TextDecoder().decode(quoted));
  if (keys.has(key)) throw new PixtralError('model', `${place} ${key.slice(0, 200)} stands twice`);
  keys.add(key);
}

/** Two spellings of one name (`a`, `\u0061`) are the same name. */
function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
