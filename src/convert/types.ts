import { ggmlTypes } from '../gguf/types.ts';

/** Types that `convert` writes the text model in, largest first. Names as llama.cpp's users know them. */
export const convertTypes = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'q6_k',
  'q5_k_m',
  'q5_k_s',
  'q5_1',
  'q5_0',
  'q4_1',
  'q4_k_m',
  'q4_k_s',
  'iq4_nl',
  'q4_0',
  'iq4_xs',
  'q3_k_l',
  'q3_k_m',
  'q3_k_s',
  'q2_k',
] as const;
export type ConvertType = (typeof convertTypes)[number];

/** Types of the projector: llama.cpp's converter writes these. */
export const mmprojTypes = ['f32', 'f16', 'bf16', 'q8_0'] as const;
export type MmprojType = (typeof mmprojTypes)[number];

/** Types of single tensors. */
export const tensorTypes = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'q6_k',
  'q5_k',
  'q5_1',
  'q5_0',
  'q4_k',
  'q4_1',
  'q4_0',
  'iq4_nl',
  'iq4_xs',
  'q3_k',
  'q2_k',
] as const;
export type TensorType = (typeof tensorTypes)[number];

interface FileType {
  /** `general.file_type`: llama.cpp's enum llama_ftype. */
  fileType: number;
  /** Of most matrices; which differ is in mixture.ts. */
  base: TensorType;
}

export const fileTypes: Readonly<Record<ConvertType, FileType>> = {
  f32: { fileType: 0, base: 'f32' },
  f16: { fileType: 1, base: 'f16' },
  bf16: { fileType: 32, base: 'bf16' },
  q8_0: { fileType: 7, base: 'q8_0' },
  q6_k: { fileType: 18, base: 'q6_k' },
  q5_k_m: { fileType: 17, base: 'q5_k' },
  q5_k_s: { fileType: 16, base: 'q5_k' },
  q5_1: { fileType: 9, base: 'q5_1' },
  q5_0: { fileType: 8, base: 'q5_0' },
  q4_1: { fileType: 3, base: 'q4_1' },
  q4_k_m: { fileType: 15, base: 'q4_k' },
  q4_k_s: { fileType: 14, base: 'q4_k' },
  iq4_nl: { fileType: 25, base: 'iq4_nl' },
  q4_0: { fileType: 2, base: 'q4_0' },
  iq4_xs: { fileType: 30, base: 'iq4_xs' },
  q3_k_l: { fileType: 13, base: 'q3_k' },
  q3_k_m: { fileType: 12, base: 'q3_k' },
  q3_k_s: { fileType: 11, base: 'q3_k' },
  q2_k: { fileType: 10, base: 'q2_k' },
};

/** The projector is 3 % of the weights and feels rounding most: half precision unless asked otherwise. */
export function defaultMmprojType(type: ConvertType): MmprojType {
  return type === 'f32' || type === 'bf16' ? type : 'f16';
}

const ids: ReadonlyMap<string, number> = new Map([...ggmlTypes.values()].map(({ id, name }) => [name, id]));

/** ggml_type number. */
export function typeId(type: TensorType): number {
  return ids.get(type) ?? 0;
}

/** Weights per block: a row of a matrix must hold whole ones. */
export function blockSize(type: TensorType): number {
  return ggmlTypes.get(typeId(type))?.blockSize ?? 1;
}
