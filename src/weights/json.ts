import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { readExactly } from '../base/files.ts';
import { openRegular } from '../base/regular-file.ts';
import { type JsonLimits, scanJson } from './scan-json.ts';

/** A JSON object and what to call it in messages. */
export interface JsonObject {
  where: string;
  fields: Readonly<Record<string, unknown>>;
}

/** Configs and indexes. A tokenizer of 20 MB is read for three ids only. */
const scannedBytes = 4 * 1024 * 1024;
const configLimits: JsonLimits = {
  depth: 64,
  brackets: 1_000_000,
  refusal: 'is nested over 64 levels deep or has over a million lists and objects',
  topKey: 'the key',
};

/**
 * Reads a JSON file whose top is an object.
 * @param maxBytes larger files are refused before anything is allocated
 * @throws PixtralError `model`
 */
export async function readJson(path: string, maxBytes: number): Promise<JsonObject> {
  const file = await openRegular(path).catch((cause: unknown) => {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}`, { cause });
  });
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw new PixtralError('model', `${path}: not a file of at most ${maxBytes} bytes`);
    const bytes = await readExactly(file, { path, position: 0, length: size });
    if (bytes.byteLength <= scannedBytes) scanJson(bytes, path, configLimits);
    return parseJson(bytes, path);
  } finally {
    await file.close();
  }
}

/** @throws PixtralError `model` when the bytes are not a JSON object in UTF-8 */
export function parseJson(bytes: Uint8Array, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new PixtralError('model', `${where}: not JSON: ${reasonOf(cause)}`, { cause });
  }
  return asObject(value, where);
}

export function asObject(value: unknown, where: string): JsonObject {
  if (!isRecord(value)) throw new PixtralError('model', `${where}: found ${show(value)}, expected an object`);
  return { where, fields: value };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field that may be absent; null counts as absent, as in Python's configs. */
export function optionalField(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object.fields, key) ? (object.fields[key] ?? undefined) : undefined;
}

export function optionalObject(object: JsonObject, key: string): JsonObject | undefined {
  const value = optionalField(object, key);
  return value === undefined ? undefined : asObject(value, `${object.where}: ${key}`);
}

export interface Range {
  min: number;
  max: number;
}

/** Sizes of layers and the like: more is no model that exists. */
export const sizes: Range = { min: 1, max: 1_048_576 };

/** @throws PixtralError `model` when the field is missing or no whole number in `range` */
export function integer(object: JsonObject, key: string, range: Range): number {
  return optionalInteger(object, key, range) ?? absent(object, key);
}

export function optionalInteger(object: JsonObject, key: string, range: Range): number | undefined {
  const value = optionalNumber(object, key, range);
  if (value !== undefined && !Number.isInteger(value)) return wrong(object, key, 'a whole number');
  return value;
}

export function number(object: JsonObject, key: string, range: Range): number {
  return optionalNumber(object, key, range) ?? absent(object, key);
}

export function optionalNumber(object: JsonObject, key: string, { min, max }: Range): number | undefined {
  const value = optionalField(object, key);
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    return wrong(object, key, `a number from ${min} to ${max}`);
  }
  return value;
}

export function optionalBoolean(object: JsonObject, key: string): boolean | undefined {
  const value = optionalField(object, key);
  if (value === undefined) return undefined;
  return typeof value === 'boolean' ? value : wrong(object, key, 'true or false');
}

export function optionalString(object: JsonObject, key: string): string | undefined {
  const value = optionalField(object, key);
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : wrong(object, key, 'a string');
}

/** Refuses a field unless it is absent, null or one of `allowed`. */
export function expectOneOf(object: JsonObject, key: string, allowed: readonly unknown[]): void {
  const value = optionalField(object, key);
  if (value !== undefined && !allowed.includes(value)) wrong(object, key, [...allowed.map(show), 'none'].join(' or '));
}

function absent(object: JsonObject, key: string): never {
  throw new PixtralError('model', `${object.where}: lacks ${key}`);
}

function wrong(object: JsonObject, key: string, expected: string): never {
  throw new PixtralError('model', `${object.where}: ${key} is ${show(object.fields[key])}, expected ${expected}`);
}

/** A value as it fits into one line of a message. */
function show(value: unknown): string {
  if (isRecord(value)) return 'an object';
  if (Array.isArray(value)) return 'an array';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
