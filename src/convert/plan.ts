import { PixtralError } from '../base/errors.ts';
import type { GgufTensorSpec } from '../gguf/write.ts';
import type { Checkpoint, SourceTensor } from '../weights/types.ts';
import { type Imatrix, importanceOf } from './imatrix.ts';
import { type NamedShape, type TensorTypeOverride, decoderTypes, projectorType } from './mixture.ts';
import { type ConvertType, type MmprojType, blockSize, typeId } from './types.ts';

/** One tensor to be written: what it becomes, and where its weights come from. */
export interface PlannedTensor extends GgufTensorSpec {
  source: SourceTensor;
  /** How much each column matters, for types that round by it; [ne0]. */
  importance: Float32Array | undefined;
}

/** The tensors of the two files, in the order in which they stand there. */
export interface ConversionPlan {
  model: PlannedTensor[];
  projector: PlannedTensor[];
}

export interface PlanOptions {
  type: ConvertType;
  mmprojType: MmprojType;
  /** For the text model. */
  overrides: readonly TensorTypeOverride[];
  imatrix: Imatrix | undefined;
}

/**
 * Which tensor goes into which file, as what type. Does not depend on the layout that the weights come from.
 * @throws PixtralError `usage` for an override that matches nothing, `model` for an importance matrix of other shapes
 */
export function planConversion(
  { tensors, config }: Pick<Checkpoint, 'tensors' | 'config'>,
  { type, mmprojType, overrides, imatrix }: PlanOptions,
): ConversionPlan {
  const all = [...tensors].map(([name, source]) => ({ name, shape: source.shape, source }));
  const text = all.filter(({ name }) => !isProjector(name));
  refuseIdle(overrides, text);
  const types = decoderTypes(text, { type, text: config.text, overrides, hasImatrix: imatrix !== undefined });
  const model = text.map((tensor, index): PlannedTensor => {
    const chosen = types[index] ?? 'f32';
    const importance = blockSize(chosen) > 1 ? importanceOf(imatrix, tensor) : undefined;
    return { ...specOf(tensor), type: typeId(chosen), importance };
  });
  const projector = all
    .filter(({ name }) => isProjector(name))
    .map((tensor) => ({ ...specOf(tensor), type: typeId(projectorType(tensor, mmprojType)), importance: undefined }));
  return { model, projector };
}

function isProjector(name: string): boolean {
  return name.startsWith('v.') || name.startsWith('mm.');
}

function specOf({ name, shape, source }: NamedShape & { source: SourceTensor }) {
  return { name, dims: shape.toReversed(), source };
}

/** A pattern with a slip in it would else leave the tensor at its usual type, unnoticed. */
function refuseIdle(overrides: readonly TensorTypeOverride[], tensors: readonly NamedShape[]): void {
  for (const { pattern } of overrides) {
    if (tensors.some(({ name }) => pattern.test(name))) continue;
    throw new PixtralError('usage', `--tensor-type ${pattern.source}: matches no tensor of the text model`, {
      hint: 'pixtral convert --dry-run lists their names',
    });
  }
}

/** Number of weights. */
export function parameterCount(tensors: readonly GgufTensorSpec[]): number {
  return tensors.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
}
