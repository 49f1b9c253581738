import { PixtralError } from '../base/errors.ts';
import type { OpenRanged } from '../base/ranged-file.ts';
import { floatsOf } from './floats.ts';
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
  if (!Object.hasOwn(floatsOf, scale.dtype)) {
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
      for (const stretch of stretchesOf(tensors.filter(({ scale }) => scale.path === path))) {
        const bytes = await file.read({ position: stretch.begin, length: stretch.end - stretch.begin });
        for (const { gguf, source, scale } of stretch.tensors) {
          const grid = scaleGrid(scale, { shape: source.shape, blocks });
          const from = scale.offset - stretch.begin;
          scales.set(gguf, {
            path,
            ...grid,
            values: scaleValues(bytes.subarray(from, from + scale.byteLength), scale),
          });
        }
      }
    } finally {
      await file.close();
    }
  }
  return scales;
}

/** Scales that stand near each other are read at once: some hundred requests would take long over a network. */
const nearBytes = 64 * 1024;
const maxStretchBytes = 8 * 1024 * 1024;

interface Stretch {
  begin: number;
  end: number;
  tensors: ScaledTensor[];
}

function stretchesOf(tensors: readonly ScaledTensor[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const tensor of tensors.toSorted((one, other) => one.scale.offset - other.scale.offset)) {
    const { offset, byteLength } = tensor.scale;
    const last = stretches.at(-1);
    const end = offset + byteLength;
    if (last && offset - last.end <= nearBytes && end - last.begin <= maxStretchBytes) {
      last.end = end;
      last.tensors.push(tensor);
    } else {
      stretches.push({ begin: offset, end, tensors: [tensor] });
    }
  }
  return stretches;
}

function scaleGrid(
  scale: SafeTensor,
  { shape, blocks }: { shape: readonly number[]; blocks: readonly [rows: number, columns: number] | undefined },
): Omit<Scales, 'values' | 'path'> {
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
  const values = floatsOf[dtype]!(bytes);
  if (values.every((value) => value >= 0 && value < Infinity)) return values;
  throw new PixtralError('model', `${path}: tensor ${name}: holds a scale below zero or beyond all numbers`);
}

/** Of one row of the tensor. */
export function scalesOfRow(scales: Scales, row: number): Scales {
  const { values, rowsPerBlock, blocksPerRow } = scales;
  const first = Math.floor(row / rowsPerBlock) * blocksPerRow;
  return { ...scales, values: values.subarray(first, first + blocksPerRow), rowsPerBlock: 1 };
}
