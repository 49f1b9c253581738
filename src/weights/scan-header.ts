import { PixtralError } from '../base/errors.ts';

/** Known checkpoints have at most some thousand tensors a file. */
const maxTensors = 65_536;
/** The header's object, a tensor's object, its shape. */
const maxDepth = 3;

const quote = 0x22;
const backslash = 0x5c;
const opening = new Set([0x7b, 0x5b]);
const closing = new Set([0x7d, 0x5d]);
const space = new Set([0x20, 0x09, 0x0a, 0x0d]);
const colon = 0x3a;

/**
 * Looks over a safetensors header for what JSON.parse would hide or choke on: a name that stands twice, deep nesting,
 * millions of objects.
 * @throws PixtralError `model`; other faults are left to JSON.parse
 */
export function scanHeader(header: Uint8Array, where: string): void {
  const names = new Set<string>();
  let depth = 0;
  let brackets = 0;
  for (let at = 0; at < header.byteLength; at++) {
    const byte = header[at] ?? 0;
    if (byte === quote) {
      const end = stringEnd(header, at);
      if (depth === 1 && isKey(header, end)) addName(names, header.subarray(at, end), where);
      at = end - 1;
    } else if (opening.has(byte)) {
      depth++;
      brackets++;
    } else if (closing.has(byte)) {
      depth--;
    }
    if (depth > maxDepth || brackets > 4 * maxTensors) {
      throw new PixtralError('model', `${where}: its header is nested too deep or has over ${maxTensors} tensors`);
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

function addName(names: Set<string>, quoted: Uint8Array, where: string): void {
  const name = unquote(new TextDecoder().decode(quoted));
  if (names.has(name)) throw new PixtralError('model', `${where}: tensor ${name} stands twice in the header`);
  names.add(name);
}

/** Two spellings of one name (`a`, `\u0061`) are the same name. */
function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
