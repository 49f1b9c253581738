import type { GgufTensorSpec } from '../gguf/write.ts';
import { type Checkpoint, type SourceTensor, sourceTypeBytes } from '../weights/types.ts';
import { type ConvertType, targetType } from './quantize.ts';

/** One tensor to be written: what it becomes, and where its weights come from. */
export interface PlannedTensor extends GgufTensorSpec {
  source: SourceTensor;
}

/** The tensors of the two files, in the order in which they stand there. */
export interface ConversionPlan {
  model: PlannedTensor[];
  projector: PlannedTensor[];
}

/** Which tensor goes into which file, as what type. Does not depend on the layout that the weights come from. */
export function planConversion(checkpoint: Pick<Checkpoint, 'tensors'>, type: ConvertType): ConversionPlan {
  const model: PlannedTensor[] = [];
  const projector: PlannedTensor[] = [];
  for (const [name, source] of checkpoint.tensors) {
    const tensor = {
      name,
      type: targetType({ name, shape: source.shape }, type),
      dims: source.shape.toReversed(),
      source,
    };
    (isProjector(name) ? projector : model).push(tensor);
  }
  return { model, projector };
}

function isProjector(name: string): boolean {
  return name.startsWith('v.') || name.startsWith('mm.');
}

/** Number of weights. */
export function parameterCount(tensors: readonly GgufTensorSpec[]): number {
  return tensors.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
}

/** A run of whole rows of one tensor that is read, converted and written at once. */
export interface Chunk {
  tensor: PlannedTensor;
  firstRow: number;
  rows: number;
  perRow: number;
}

/** Cuts a tensor into chunks of about `chunkBytes` float32 bytes; a permuted one into whole heads. */
export function chunksOf(tensor: PlannedTensor, chunkBytes: number): Chunk[] {
  const perRow = tensor.dims[0] ?? 1;
  const rows = tensor.dims.slice(1).reduce((product, dim) => product * dim, 1);
  const heads = tensor.source.permuteHeads;
  const unit = heads === undefined ? 1 : rows / heads;
  const step = unit * Math.max(1, Math.floor(chunkBytes / (perRow * 4 * unit)));
  const count = Math.ceil(rows / step);
  return Array.from({ length: count }, (_, index) => {
    const firstRow = index * step;
    return { tensor, firstRow, rows: Math.min(step, rows - firstRow), perRow };
  });
}

/** Where a chunk's weights stand in the source file. */
export function sourceRange({ tensor: { source }, firstRow, rows, perRow }: Chunk): {
  position: number;
  length: number;
} {
  const rowBytes = perRow * sourceTypeBytes[source.dtype];
  return { position: source.offset + firstRow * rowBytes, length: rows * rowBytes };
}
