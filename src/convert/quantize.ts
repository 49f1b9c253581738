/** Types that `convert` writes. Names as llama.cpp's users know them. */
export const convertTypes = ['f32', 'f16', 'bf16', 'q8_0'] as const;
export type ConvertType = (typeof convertTypes)[number];

interface TypeRow {
  /** `general.file_type`: llama.cpp's enum llama_ftype. */
  fileType: number;
  /** ggml_type of the matrices. */
  matrices: number;
  /** ggml_type of the patch convolution and the patch merger, which backends want in these types only. */
  patches: number;
}

const f32 = 0;
const f16 = 1;

export const typeTable: Readonly<Record<ConvertType, TypeRow>> = {
  f32: { fileType: 0, matrices: f32, patches: f32 },
  f16: { fileType: 1, matrices: f16, patches: f16 },
  bf16: { fileType: 32, matrices: 30, patches: f32 },
  q8_0: { fileType: 7, matrices: 8, patches: f32 },
};

/** Weights per block of the types above; rows that are not whole blocks become f16. */
const blockSizes: ReadonlyMap<number, number> = new Map([[8, 32]]);

/**
 * ggml_type in which a tensor is written: llama.cpp's converter's policy (conversion/base.py of v0.5.0).
 * @param shape PyTorch order
 */
export function targetType({ name, shape }: { name: string; shape: readonly number[] }, type: ConvertType): number {
  const { matrices, patches } = typeTable[type];
  if (name.endsWith('.patch_embd.weight') || name.endsWith('.patch_merger.weight')) return patches;
  if (shape.length < 2 || !name.endsWith('.weight')) return f32; // norms, biases, the [IMG_BREAK] row
  const perRow = shape.at(-1) ?? 1;
  return perRow % (blockSizes.get(matrices) ?? 1) === 0 ? matrices : f16;
}
