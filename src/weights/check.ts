import { PixtralError } from '../base/errors.ts';
import type { SafeTensor } from './safetensors.ts';
import { type ModelConfig, type SourceTensor, type SourceType, sourceTypeBytes } from './types.ts';

/** Layers, vocabulary and patches of any model of the family, with room; canonicalTensors makes a list of them. */
const limits = { layers: 1024, patchSize: 256, imageSize: 8192, spatialMergeSize: 16 };

/** Refuses a config whose numbers do not go together. @throws PixtralError `model` */
export function checkConfig({ text, vision }: ModelConfig, where: string): void {
  const rules: readonly (readonly [holds: boolean, rule: string])[] = [
    [text.layers <= limits.layers && vision.layers <= limits.layers, `at most ${limits.layers} layers`],
    [text.heads % text.kvHeads === 0, 'text heads a multiple of its KV heads'],
    [text.headDim % 2 === 0, 'an even head size'],
    [vision.headDim % 4 === 0, 'a head size of the vision tower that is a multiple of 4'],
    [vision.patchSize <= limits.patchSize, `patches of at most ${limits.patchSize} pixels`],
    [vision.imageSize <= limits.imageSize, `images of at most ${limits.imageSize} pixels`],
    [vision.imageSize >= vision.patchSize, 'images no smaller than a patch'],
    [vision.spatialMergeSize <= limits.spatialMergeSize, `at most ${limits.spatialMergeSize} merged patches a side`],
    [vision.channels === 3, 'images of 3 channels'],
    [
      (text.yarn === undefined && text.temperature === undefined) || text.contextLength >= originalContext(text),
      'a context no shorter than the original one',
    ],
    [
      Math.max(vision.imageTokenId, vision.imageBreakTokenId, vision.imageEndTokenId) < text.vocabularySize,
      'image tokens inside the vocabulary',
    ],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken !== undefined)
    throw new PixtralError('model', `${where}: does not describe a model, expected ${broken[1]}`);
}

function originalContext({ yarn, temperature }: ModelConfig['text']): number {
  return yarn?.originalContext ?? temperature?.originalContext ?? 0;
}

/** The tensor as a source of weights, when it is there with this shape and a type that can be read. */
export function requireTensor(
  found: SafeTensor | undefined,
  { folder, name, shape }: { folder: string; name: string; shape: readonly number[] },
): SourceTensor {
  if (found === undefined) throw new PixtralError('model', `${folder}: lacks tensor ${name} [${shape.join(', ')}]`);
  const where = `${found.path}: tensor ${found.name}`;
  if (found.shape.length !== shape.length || found.shape.some((dim, axis) => dim !== shape[axis])) {
    throw new PixtralError('model', `${where}: is [${found.shape.join(', ')}], expected [${shape.join(', ')}]`);
  }
  const { dtype } = found;
  if (!isSourceType(dtype))
    throw new PixtralError('model', `${where}: is ${dtype}, expected BF16, F16, F32 or F8_E4M3`);
  return { ...found, dtype };
}

function isSourceType(dtype: string): dtype is SourceType {
  return Object.hasOwn(sourceTypeBytes, dtype);
}
