import { ggmlTypes, tensorByteLength } from '../gguf/types.ts';
import { sourceTypeBytes } from '../weights/types.ts';
import type { PlannedTensor } from './plan.ts';

/** A run of whole rows of one tensor that is read, converted and written at once. */
export interface Slice {
  tensor: PlannedTensor;
  firstRow: number;
  rows: number;
  /** Weights. */
  perRow: number;
}

/** Weights of a slice: small enough to stay in the cache from reading to writing, large enough to hide a call. */
const sliceWeights = 256 * 1024;

/** Cuts tensors into slices of about a quarter of a million weights; a permuted one into whole heads. */
export function slicesOf(tensors: readonly PlannedTensor[]): Slice[] {
  return tensors.flatMap((tensor) => {
    const perRow = tensor.dims[0] ?? 1;
    const rows = tensor.dims.slice(1).reduce((product, dim) => product * dim, 1);
    const heads = tensor.source.permuteHeads;
    const unit = heads === undefined ? 1 : rows / heads;
    const step = unit * Math.max(1, Math.floor(sliceWeights / (perRow * unit)));
    return Array.from({ length: Math.ceil(rows / step) }, (_, index) => {
      const firstRow = index * step;
      return { tensor, firstRow, rows: Math.min(step, rows - firstRow), perRow };
    });
  });
}

/** Where a slice's weights stand in the source file. */
export function sourceRange({ tensor: { source }, firstRow, rows, perRow }: Slice): {
  position: number;
  length: number;
} {
  const rowBytes = perRow * sourceTypeBytes[source.dtype];
  return { position: source.offset + firstRow * rowBytes, length: rows * rowBytes };
}

/** Bytes of a slice once converted. */
export function targetByteLength({ tensor, rows, perRow }: Slice): number {
  const type = ggmlTypes.get(tensor.type);
  return type === undefined ? 0 : tensorByteLength(type, rows * perRow);
}

/** Bytes before a slice within its converted tensor. */
export function targetOffset(slice: Slice): number {
  return targetByteLength({ ...slice, rows: slice.firstRow });
}
