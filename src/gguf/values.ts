import { ByteReader } from '../base/bytes.ts';
import { PixtralError } from '../base/errors.ts';
import type { Gguf, GgufArray, GgufValue } from './types.ts';

type Source = Pick<Gguf, 'path' | 'metadata'>;

/** A number of any numeric kind. @throws PixtralError `model` when the key is missing or no number */
export function requireNumber(gguf: Source, key: string): number {
  return optionalNumber(gguf, key) ?? missing(gguf, key);
}

export function optionalNumber(gguf: Source, key: string): number | undefined {
  const found = gguf.metadata.get(key);
  if (found === undefined) return undefined;
  if (found.type === 'string' || found.type === 'bool' || found.type === 'array') return wrong(gguf, key, 'a number');
  return Number(found.value);
}

export function requireString(gguf: Source, key: string): string {
  return optionalString(gguf, key) ?? missing(gguf, key);
}

export function optionalString(gguf: Source, key: string): string | undefined {
  const found = gguf.metadata.get(key);
  if (found === undefined) return undefined;
  return found.type === 'string' ? found.value : wrong(gguf, key, 'a string');
}

/** An array of any elements, its body still raw. */
export function optionalArray(gguf: Source, key: string): GgufArray | undefined {
  const found = gguf.metadata.get(key);
  if (found === undefined) return undefined;
  return found.type === 'array' ? found : wrong(gguf, key, 'an array');
}

/** Decodes a string array: for short ones, since each element becomes an object. */
export function stringArray(value: GgufValue): string[] {
  if (value.type !== 'array' || value.elementType !== 'string') {
    throw new PixtralError('model', `metadata: found ${kindOf(value)}, expected an array of strings`);
  }
  const reader = new ByteReader(value.bytes, 'metadata');
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const strings: string[] = [];
  for (let index = 0; index < value.count; index++) {
    strings.push(utf8.decode(reader.take(reader.count('a string', reader.remaining))));
  }
  return strings;
}

/** Decodes an array of numbers of up to 32 bits. */
export function numberArray(value: GgufValue): number[] {
  if (value.type !== 'array' || isUnfit(value.elementType)) {
    throw new PixtralError('model', `metadata: found ${kindOf(value)}, expected an array of numbers`);
  }
  const reader = new ByteReader(value.bytes, 'metadata');
  const { elementType } = value;
  return Array.from({ length: value.count }, () => (isUnfit(elementType) ? 0 : reader[elementType]()));
}

type Unfit = 'string' | 'bool' | 'u64' | 'i64';

function isUnfit(type: GgufArray['elementType']): type is Unfit {
  return type === 'string' || type === 'bool' || type === 'u64' || type === 'i64';
}

function kindOf(value: GgufValue): string {
  return value.type === 'array' ? `an array of ${value.elementType}` : value.type;
}

function missing(gguf: Source, key: string): never {
  throw new PixtralError('model', `${gguf.path}: lacks ${key}`, {
    hint: 'convert the checkpoint again with pixtral convert',
  });
}

function wrong(gguf: Source, key: string, expected: string): never {
  const found = gguf.metadata.get(key);
  const kind = found === undefined ? 'nothing' : kindOf(found);
  throw new PixtralError('model', `${gguf.path}: ${key} is ${kind}, expected ${expected}`);
}
