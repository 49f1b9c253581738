/** The scalar kinds of a GGUF value, in the order of their numbers in the file; 9 is the array. */
export const valueTypes = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
] as const;
export type GgufValueType = (typeof valueTypes)[number];
export type GgufScalarType = Exclude<GgufValueType, 'array'>;

/** Bytes of one value of each fixed-size kind. */
export const scalarByteLength: Readonly<Record<Exclude<GgufScalarType, 'string'>, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  u64: 8,
  i64: 8,
  f64: 8,
};

/** Array bodies stay raw: a tokenizer's arrays are megabytes, and most readers never look inside. */
export interface GgufArray {
  type: 'array';
  elementType: GgufScalarType;
  count: number;
  /** Little-endian body as it stands in the file; strings are u64 length + UTF-8 each. */
  bytes: Uint8Array;
}

export type GgufValue =
  | { type: 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64'; value: number }
  | { type: 'u64' | 'i64'; value: bigint }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | GgufArray;

export interface GgufTensor {
  name: string;
  /** ggml_type: see `ggmlTypes`. */
  type: number;
  /** Elements along each axis, ne0 (fastest) first: a PyTorch shape reversed. */
  dims: number[];
  /** Absolute position in the file. */
  offset: number;
  byteLength: number;
}

export interface Gguf {
  path: string;
  byteLength: number;
  /** 2 or 3; they differ in nothing that we read. */
  version: number;
  metadata: Map<string, GgufValue>;
  tensors: Map<string, GgufTensor>;
  alignment: number;
  dataOffset: number;
}

/** Bytes of all weights. */
export function weightBytes({ tensors }: Pick<Gguf, 'tensors'>): number {
  let bytes = 0;
  for (const { byteLength } of tensors.values()) bytes += byteLength;
  return bytes;
}

export interface GgmlType {
  id: number;
  name: string;
  /** Weights per block; a row holds whole blocks. */
  blockSize: number;
  /** Bytes per block. */
  typeSize: number;
}

/** enum ggml_type and its block layouts as of llama.cpp v0.5.0 (ggml.h, ggml-common.h). */
const table: readonly (readonly [id: number, name: string, blockSize: number, typeSize: number])[] = [
  [0, 'f32', 1, 4],
  [1, 'f16', 1, 2],
  [2, 'q4_0', 32, 18],
  [3, 'q4_1', 32, 20],
  [6, 'q5_0', 32, 22],
  [7, 'q5_1', 32, 24],
  [8, 'q8_0', 32, 34],
  [9, 'q8_1', 32, 36],
  [10, 'q2_k', 256, 84],
  [11, 'q3_k', 256, 110],
  [12, 'q4_k', 256, 144],
  [13, 'q5_k', 256, 176],
  [14, 'q6_k', 256, 210],
  [15, 'q8_k', 256, 292],
  [16, 'iq2_xxs', 256, 66],
  [17, 'iq2_xs', 256, 74],
  [18, 'iq3_xxs', 256, 98],
  [19, 'iq1_s', 256, 50],
  [20, 'iq4_nl', 32, 18],
  [21, 'iq3_s', 256, 110],
  [22, 'iq2_s', 256, 82],
  [23, 'iq4_xs', 256, 136],
  [24, 'i8', 1, 1],
  [25, 'i16', 1, 2],
  [26, 'i32', 1, 4],
  [27, 'i64', 1, 8],
  [28, 'f64', 1, 8],
  [29, 'iq1_m', 256, 56],
  [30, 'bf16', 1, 2],
  [34, 'tq1_0', 256, 54],
  [35, 'tq2_0', 256, 66],
  [39, 'mxfp4', 32, 17],
  [40, 'nvfp4', 64, 36],
  [41, 'q1_0', 128, 18],
  [42, 'q2_0', 64, 18],
];

export const ggmlTypes: ReadonlyMap<number, GgmlType> = new Map(
  table.map(([id, name, blockSize, typeSize]) => [id, { id, name, blockSize, typeSize }]),
);

/** `q4_k` for 12; a number that no version we know uses stays a number. */
export function ggmlTypeName(type: number): string {
  return ggmlTypes.get(type)?.name ?? `type ${type}`;
}

/** Bytes of `elements` weights in whole blocks. */
export function tensorByteLength(type: GgmlType, elements: number): number {
  return (elements / type.blockSize) * type.typeSize;
}

/** Tensor data starts at, and is padded to, multiples of this unless `general.alignment` says otherwise. */
export const defaultAlignment = 32;

export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
