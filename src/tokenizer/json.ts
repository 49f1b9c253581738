import { PixtralError, reasonOf } from '../base/errors.ts';
import { notTekken } from './vocabulary.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that a JSON file holds; PixtralError('model') when it holds anything else. */
export function parseObject(bytes: Uint8Array, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new PixtralError('model', `${where}: not JSON: ${reasonOf(cause)}`, {
      hint: 'the file is cut short or damaged: copy or download it again',
      cause,
    });
  }
  return requireObject(value, { where, name: 'the file' });
}

interface Place {
  where: string;
  /** The value's place in the file, such as `config.version`. */
  name: string;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function requireObject(value: unknown, { where, name }: Place): JsonObject {
  if (!isObject(value)) throw notTekken(where, `${name} is ${describe(value)}, expected an object`);
  return value;
}

export function requireArray(value: unknown, { where, name }: Place): readonly unknown[] {
  if (!Array.isArray(value)) throw notTekken(where, `${name} is ${describe(value)}, expected an array`);
  return value;
}

export function requireString(value: unknown, { where, name }: Place): string {
  if (typeof value !== 'string') throw notTekken(where, `${name} is ${describe(value)}, expected a string`);
  return value;
}

export function requireCount(value: unknown, { where, name, max }: Place & { max: number }): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw notTekken(where, `${name} is ${describe(value)}, expected a whole number up to ${max}`);
  }
  return value;
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return value === null ? 'null' : 'an object';
  return JSON.stringify(value).slice(0, 60);
}
