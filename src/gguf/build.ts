import type { GgufScalarType, GgufValue } from './types.ts';

/** Values of metadata to be written. */
export const u32 = (value: number): GgufValue => ({ type: 'u32', value });
export const f32 = (value: number): GgufValue => ({ type: 'f32', value });
export const bool = (value: boolean): GgufValue => ({ type: 'bool', value });
export const text = (value: string): GgufValue => ({ type: 'string', value });

export function f32Array(values: readonly number[]): GgufValue {
  return rawArray('f32', values.length, new Uint8Array(Float32Array.from(values).buffer));
}

/** An array whose little-endian body is ready: strings as u64 length + UTF-8 each. */
export function rawArray(elementType: GgufScalarType, count: number, bytes: Uint8Array): GgufValue {
  return { type: 'array', elementType, count, bytes };
}
