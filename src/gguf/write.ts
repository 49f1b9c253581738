import { PixtralError } from '../base/errors.ts';
import {
  type GgufTensor,
  type GgufValue,
  alignUp,
  defaultAlignment,
  ggmlTypes,
  scalarByteLength,
  tensorByteLength,
  valueTypes,
} from './types.ts';

export interface GgufTensorSpec {
  name: string;
  /** ggml_type */
  type: number;
  /** ne0 first. */
  dims: number[];
}

/** Where everything of a GGUF file will stand, known before the first byte is written. */
export interface GgufLayout {
  /** The file's beginning, up to the first tensor. */
  header: Uint8Array;
  /** In file order, at absolute offsets; the gaps between them are zeros. */
  tensors: GgufTensor[];
  byteLength: number;
}

/**
 * Lays out a version 3 file with the default alignment: tensors in the order given, each padded, as ggml demands.
 */
export function layoutGguf(metadata: ReadonlyMap<string, GgufValue>, specs: readonly GgufTensorSpec[]): GgufLayout {
  const tensors: GgufTensor[] = []; // offsets count from the end of the header at first
  let end = 0;
  for (const spec of specs) {
    const byteLength = specByteLength(spec);
    tensors.push({ ...spec, offset: end, byteLength });
    end = alignUp(end + byteLength, defaultAlignment);
  }
  const header = encodeHeader(metadata, tensors);
  for (const tensor of tensors) tensor.offset += header.byteLength;
  return { header, tensors, byteLength: header.byteLength + end };
}

function specByteLength({ name, type, dims }: GgufTensorSpec): number {
  const ggmlType = ggmlTypes.get(type);
  if (ggmlType === undefined) throw new PixtralError('usage', `tensor ${name}: ggml type ${type} is unknown`);
  return tensorByteLength(
    ggmlType,
    dims.reduce((product, dim) => product * dim, 1),
  );
}

function encodeHeader(metadata: ReadonlyMap<string, GgufValue>, tensors: readonly GgufTensor[]): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(metadata.size)];
  for (const [key, value] of metadata) parts.push(...string(key), u32(valueTypes.indexOf(value.type)), ...body(value));
  for (const { name, dims, type, offset } of tensors) {
    parts.push(...string(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset));
  }
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return Buffer.concat(parts, alignUp(length, defaultAlignment)); // concat fills the rest with zeros
}

function body(value: GgufValue): Uint8Array[] {
  if (value.type === 'string') return string(value.value);
  if (value.type === 'array') return [u32(valueTypes.indexOf(value.elementType)), u64(value.count), value.bytes];
  return [scalar(value)];
}

function scalar(value: Exclude<GgufValue, { type: 'string' | 'array' }>): Uint8Array {
  const bytes = Buffer.alloc(scalarByteLength[value.type]);
  switch (value.type) {
    case 'u8':
    case 'u16':
    case 'u32':
      bytes.writeUIntLE(value.value, 0, bytes.byteLength);
      break;
    case 'i8':
    case 'i16':
    case 'i32':
      bytes.writeIntLE(value.value, 0, bytes.byteLength);
      break;
    case 'f32':
      bytes.writeFloatLE(value.value);
      break;
    case 'f64':
      bytes.writeDoubleLE(value.value);
      break;
    case 'u64':
      bytes.writeBigUInt64LE(value.value);
      break;
    case 'i64':
      bytes.writeBigInt64LE(value.value);
      break;
    case 'bool':
      bytes.writeUInt8(value.value ? 1 : 0);
      break;
  }
  return bytes;
}

function string(value: string): Uint8Array[] {
  const bytes = Buffer.from(value);
  return [u64(bytes.byteLength), bytes];
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
