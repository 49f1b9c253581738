import { pointerStep } from '../base/json-pointer.ts';

/** A value inside an answer, by its bytes. */
export interface Field {
  /** JSON pointer; empty for the whole answer. */
  pointer: string;
  start: number;
  end: number;
  /** Whether the value stays what it is when this byte follows; undefined: when the answer ends there. */
  endsBefore(byte: number | undefined): boolean;
}

/** Strings, numbers, true, false, null and empty lists and objects of a JSON text that is known to be right. */
export function jsonFields(bytes: Uint8Array): Field[] {
  return [...fieldsFrom({ bytes, at: 0 }, '')];
}

/** The answer as a whole: one byte more is another answer. */
export function wholeField(bytes: Uint8Array): Field {
  return { pointer: '', start: 0, end: bytes.length, endsBefore: (byte) => byte === undefined };
}

interface Cursor {
  bytes: Uint8Array;
  at: number;
}

const code = (character: string): number => character.charCodeAt(0);
const blank = new Set([' ', '\n', '\r', '\t'].map(code));
const numeral = new Set(Array.from('0123456789.eE+-', code));

function* fieldsFrom(cursor: Cursor, pointer: string): Generator<Field> {
  const start = next(cursor);
  const first = cursor.bytes[start];
  if (first === code('{')) return yield* membersFrom(cursor, { pointer, start, close: code('}') });
  if (first === code('[')) return yield* membersFrom(cursor, { pointer, start, close: code(']') });
  if (first === code('"')) {
    skipString(cursor);
    return yield { pointer, start, end: cursor.at, endsBefore: () => true };
  }
  while (cursor.at < cursor.bytes.length && !isDelimiter(cursor.bytes[cursor.at]!)) cursor.at++;
  const endsBefore = (byte: number | undefined): boolean => byte === undefined || !numeral.has(byte);
  return yield { pointer, start, end: cursor.at, endsBefore };
}

function* membersFrom(
  cursor: Cursor,
  { pointer, start, close }: { pointer: string; start: number; close: number },
): Generator<Field> {
  const { bytes } = cursor;
  cursor.at++;
  if (bytes[next(cursor)] === close) {
    cursor.at++;
    return yield { pointer, start, end: cursor.at, endsBefore: () => true };
  }
  for (let index = 0; ; index++) {
    const key = close === code('}') ? keyAt(cursor) : index;
    yield* fieldsFrom(cursor, `${pointer}/${pointerStep(key)}`);
    const isLast = bytes[next(cursor)] === close;
    cursor.at++; // the comma, or what closes
    if (isLast) return undefined;
  }
}

function keyAt(cursor: Cursor): string {
  const start = next(cursor);
  skipString(cursor);
  const key: unknown = JSON.parse(Buffer.from(cursor.bytes.subarray(start, cursor.at)).toString());
  cursor.at = next(cursor) + 1; // the colon
  return String(key);
}

function skipString(cursor: Cursor): void {
  const { bytes } = cursor;
  cursor.at++;
  while (cursor.at < bytes.length && bytes[cursor.at] !== code('"'))
    cursor.at += bytes[cursor.at] === code('\\') ? 2 : 1;
  cursor.at++;
}

/** Moves to the next byte that is no space. */
function next(cursor: Cursor): number {
  while (blank.has(cursor.bytes[cursor.at]!)) cursor.at++;
  return cursor.at;
}

function isDelimiter(byte: number): boolean {
  return blank.has(byte) || byte === code(',') || byte === code('}') || byte === code(']');
}
