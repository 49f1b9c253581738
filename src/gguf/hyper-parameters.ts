import { PixtralError } from '../base/errors.ts';
import type { Gguf, GgufValue } from './types.ts';

type Source = Pick<Gguf, 'path' | 'metadata'>;

/** Least and most that a value may be, both allowed. */
export interface Bounds {
  min: number;
  max: number;
}

/**
 * A whole number. Files of all makers store it as u32, and llama.cpp takes no other type.
 * @throws PixtralError `model` when it is missing, of another type or out of bounds
 */
export function requireCount(gguf: Source, key: string, bounds: Bounds): number {
  return optionalCount(gguf, key, bounds) ?? missing(gguf, key);
}

export function optionalCount(gguf: Source, key: string, { min, max }: Bounds): number | undefined {
  const found = gguf.metadata.get(key);
  if (found === undefined) return undefined;
  if (found.type === 'u32' && found.value >= min && found.value <= max) return found.value;
  const expected = min === max ? `${min}` : `a whole number from ${min} to ${max}`;
  return wrong(gguf, key, `${expected}, as u32`);
}

/** A number with a fraction, as f32. NaN and infinity are out of any bounds. */
export function requireReal(gguf: Source, key: string, bounds: Bounds): number {
  return optionalReal(gguf, key, bounds) ?? missing(gguf, key);
}

export function optionalReal(gguf: Source, key: string, { min, max }: Bounds): number | undefined {
  const found = gguf.metadata.get(key);
  if (found === undefined) return undefined;
  if (found.type === 'f32' && found.value >= min && found.value <= max) return found.value;
  return wrong(gguf, key, `a number from ${min} to ${max}, as f32`);
}

/** A key that must be absent or say what every model of the family does. */
export function expectDefault(gguf: Source, key: string, expected: number | boolean | readonly string[]): void {
  const found = gguf.metadata.get(key);
  if (found === undefined || isOneOf(found, expected)) return;
  wrong(gguf, key, Array.isArray(expected) ? expected.join(' or ') : String(expected));
}

function isOneOf(found: GgufValue, expected: number | boolean | readonly string[]): boolean {
  if (found.type === 'array') return false;
  if (typeof expected === 'object') return found.type === 'string' && expected.includes(found.value);
  return found.type === (typeof expected === 'boolean' ? 'bool' : 'u32') && found.value === expected;
}

function missing({ path }: Source, key: string): never {
  throw new PixtralError('model', `${path}: lacks ${key}`, {
    hint: 'convert the checkpoint again with pixtral convert',
  });
}

function wrong({ path, metadata }: Source, key: string, expected: string): never {
  throw new PixtralError('model', `${path}: ${key} is ${spelled(metadata.get(key))}, expected ${expected}`);
}

function spelled(value: GgufValue | undefined): string {
  if (value === undefined) return 'absent';
  if (value.type === 'array') return `an array of ${value.elementType}`;
  const text = typeof value.value === 'string' ? JSON.stringify(value.value) : String(value.value);
  return `${text.length > 40 ? `${text.slice(0, 40)}...` : text} (${value.type})`;
}
