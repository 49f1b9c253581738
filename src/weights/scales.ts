import { PixtralError } from '../base/errors.ts';
import type { OpenRanged } from '../base/ranged-file.ts';
import type { SafeTensor } from './safetensors.ts';
import type { Scales, SourceTensor } from './types.ts';

/** A tensor of 8-bit weights and that of its scales. */
export interface ScaledTensor {
  gguf: string;
  source: SourceTensor;
  scale: SafeTensor;
}

/** One scale for each row of the widest matrix of 8 bits, or for blocks of 32 x 32, is far less. */
const maxScaleBytes = 64 * 1024 * 1024;

/** @throws PixtralError `model` where there are none, or of a type that no checkpoint of the family uses */
export function requireScale(scale: SafeTensor | undefined, { path, name }: SourceTensor): SafeTensor {
  if (scale === undefined) throw new PixtralError('model', `${path}: tensor ${name}: is F8_E4M3 without its scale`);
  const where = `${scale.path}: tensor ${scale.name}`;
  if (!Object.hasOwn(toFloats, scale.dtype)) {
    throw new PixtralError('model', `${where}: is ${scale.dtype}, expected scales of F32, BF16 or F16`);
  }
  if (scale.byteLength > maxScaleBytes || scale.byteLength === 0) {
    throw new PixtralError('model', `${where}: has ${scale.byteLength} bytes, expected one scale or some for blocks`);
  }
  return scale;
}

/**
 * The scales of 8-bit weights, by GGUF name. Whether they are for a whole tensor, its rows or its blocks shows in their
 * shape, as in transformers (integrations/finegrained_fp8.py).
 * @param blocks rows and columns of a block, where a config says so
 * @throws PixtralError `model` for scales that do not fit the weights, or are no numbers from 0 on
 */
export async function readScales(
  tensors: readonly ScaledTensor[],
  { blocks, open }: { blocks: readonly [rows: number, columns: number] | undefined; open: OpenRanged },
): Promise<Map<string, Scales>> {
  const scales = new Map<string, Scales>();
  for (const path of new Set(tensors.map(({ scale }) => scale.path))) {
    const file = await open(path);
    try {
      for (const { gguf, source, scale } of tensors.filter((tensor) => tensor.scale.path === path)) {
        const grid = scaleGrid(scale, { shape: source.shape, blocks });
        const bytes = await file.read({ position: scale.offset, length: scale.byteLength });
        scales.set(gguf, { ...grid, values: scaleValues(bytes, scale) });
      }
    } finally {
      await file.close();
    }
  }
  return scales;
}

function scaleGrid(
  scale: SafeTensor,
  { shape, blocks }: { shape: readonly number[]; blocks: readonly [rows: number, columns: number] | undefined },
): Omit<Scales, 'values'> {
  const [rows = 1, columns = 1] = shape;
  const [gridRows = 1, gridColumns = 1, ...more] = scale.shape;
  const fits = (perBlock: readonly [rows: number, columns: number]): boolean =>
    Math.ceil(rows / perBlock[0]) === gridRows && Math.ceil(columns / perBlock[1]) === gridColumns;
  if (shape.length === 2 && more.length === 0) {
    if (gridRows * gridColumns > 1 && blocks !== undefined && fits(blocks)) {
      return { rowsPerBlock: blocks[0], columnsPerBlock: blocks[1], blocksPerRow: gridColumns };
    }
    if (rows % gridRows === 0 && columns % gridColumns === 0) {
      return { rowsPerBlock: rows / gridRows, columnsPerBlock: columns / gridColumns, blocksPerRow: gridColumns };
    }
  }
  throw new PixtralError(
    'model',
    `${scale.path}: tensor ${scale.name}: is [${scale.shape.join(', ')}], expected one scale, or one for each row or block of [${shape.join(', ')}]`,
  );
}

function scaleValues(bytes: Uint8Array, { path, name, dtype }: SafeTensor): Float32Array {
  const values = toFloats[dtype]!(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (values.every((value) => value >= 0 && value < Infinity)) return values;
  throw new PixtralError('model', `${path}: tensor ${name}: holds a scale below zero or beyond all numbers`);
}

const toFloats: Readonly<Record<string, (view: DataView) => Float32Array>> = {
  F32: (view) => Float32Array.from({ length: view.byteLength / 4 }, (_, index) => view.getFloat32(index * 4, true)),
  BF16: (view) => new Float32Array(Uint32Array.from(words(view), (word) => word << 16).buffer),
  F16: (view) => Float32Array.from(words(view), fromHalf),
};

function words(view: DataView): number[] {
  return Array.from({ length: view.byteLength / 2 }, (_, index) => view.getUint16(index * 2, true));
}

function fromHalf(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 0x1f;
  const fraction = word & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Of one row of the tensor. */
export function scalesOfRow({ values, rowsPerBlock, columnsPerBlock, blocksPerRow }: Scales, row: number): Scales {
  const first = Math.floor(row / rowsPerBlock) * blocksPerRow;
  return { values: values.subarray(first, first + blocksPerRow), rowsPerBlock: 1, columnsPerBlock, blocksPerRow };
}
