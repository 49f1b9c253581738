import type { TextConfig } from '../weights/types.ts';
import { type ConvertType, type MmprojType, type TensorType, blockSize, fileTypes } from './types.ts';

/** A tensor by its GGUF name, with its shape in PyTorch order. */
export interface NamedShape {
  name: string;
  shape: readonly number[];
}

/** `--tensor-type`: the first pattern that a name matches wins. */
export interface TensorTypeOverride {
  pattern: RegExp;
  type: TensorType;
}

export interface MixtureOptions {
  type: ConvertType;
  text: Pick<TextConfig, 'layers' | 'heads' | 'kvHeads' | 'yarn' | 'temperature'>;
  overrides: readonly TensorTypeOverride[];
  hasImatrix: boolean;
}

/**
 * Which type each tensor of the text model gets: the rules of llama.cpp v0.5.0 (src/llama-quant.cpp,
 * llama_tensor_get_type), for the types that need no importance matrix.
 * @param tensors in the order of layers, because the rules count as they go
 */
export function decoderTypes(tensors: readonly NamedShape[], options: MixtureOptions): TensorType[] {
  const { type, overrides } = options;
  const { base } = fileTypes[type];
  const rule = mixtureRule(tensors, options);
  return tensors.map((tensor) => {
    if (!isMatrix(tensor)) return 'f32';
    const manual = overrides.find(({ pattern }) => pattern.test(tensor.name))?.type;
    return fitting(manual ?? (blockSize(base) > 1 ? rule(tensor) : base), tensor);
  });
}

/** The type of a tensor of the projector: llama.cpp's converter's policy (conversion/base.py). */
export function projectorType(tensor: NamedShape, type: MmprojType): TensorType {
  // Backends want the patch convolution and the patch merger in these types only.
  if (/\.patch_(embd|merger)\.weight$/.test(tensor.name)) return type === 'f16' ? 'f16' : 'f32';
  return isMatrix(tensor) ? fitting(type, tensor) : 'f32';
}

/** Norms, biases and the [IMG_BREAK] row stay f32. */
function isMatrix({ name, shape }: NamedShape): boolean {
  return shape.length > 1 && name.endsWith('.weight');
}

const smallerBlocks: Partial<Record<TensorType, TensorType>> = {
  iq4_xs: 'iq4_nl',
  q2_k: 'q4_0',
  q3_k: 'q4_0',
  q4_k: 'q5_0',
  q5_k: 'q5_1',
  q6_k: 'q8_0',
};

/** Rows that are not whole blocks get a type of smaller blocks, or f16. */
function fitting(type: TensorType, { shape }: NamedShape): TensorType {
  const fits = (candidate: TensorType): boolean => (shape.at(-1) ?? 1) % blockSize(candidate) === 0;
  if (fits(type)) return type;
  const smaller = smallerBlocks[type] ?? type;
  return fits(smaller) ? smaller : 'f16';
}

/** What the rules look at. Numbers of layers are divided as C does, towards zero. */
interface Place {
  /** Which of its kind it is: normally its layer. */
  index: number;
  /** How many of its kind there are. */
  count: number;
  /** Query heads per key head. */
  sharing: number;
  hasImatrix: boolean;
}

type Rules = Partial<Record<ConvertType, (place: Place) => TensorType | false>>;

const eighth = ({ index, count }: Place): boolean => index < Math.trunc(count / 8);
const needsMore = ({ index, count }: Place): boolean =>
  index < Math.trunc(count / 8) || index >= Math.trunc((7 * count) / 8) || (index - Math.trunc(count / 8)) % 3 === 2;

const valueRules: Rules = {
  q2_k: ({ sharing }) => (sharing >= 4 ? 'q4_k' : 'q3_k'),
  q3_k_m: ({ index }) => (index < 2 ? 'q5_k' : 'q4_k'),
  q3_k_l: () => 'q5_k',
  iq4_nl: ({ sharing }) => sharing >= 4 && 'q5_k',
  iq4_xs: ({ sharing }) => sharing >= 4 && 'q5_k',
  q4_k_m: (place) => needsMore(place) && 'q6_k',
  q5_k_m: (place) => needsMore(place) && 'q6_k',
  q4_k_s: ({ index }) => index < 4 && 'q5_k',
};
const downRules: Rules = {
  q2_k: () => 'q3_k',
  q3_k_m: ({ index, count }) => (index < Math.trunc(count / 16) ? 'q5_k' : 'q4_k'),
  q3_k_l: () => 'q5_k',
  q4_k_m: (place) => needsMore(place) && 'q6_k',
  q5_k_m: (place) => needsMore(place) && 'q6_k',
  q4_k_s: (place) => eighth(place) && 'q5_k',
  iq4_nl: (place) => eighth(place) && !place.hasImatrix && 'q5_k',
  iq4_xs: (place) => eighth(place) && !place.hasImatrix && 'q5_k',
  q4_0: (place) => eighth(place) && place.hasImatrix && 'q4_1',
  q5_0: (place) => eighth(place) && place.hasImatrix && 'q5_1',
};
const attentionOutputRules: Rules = { q2_k: () => 'q3_k', q3_k_m: () => 'q4_k', q3_k_l: () => 'q5_k' };

function mixtureRule(
  tensors: readonly NamedShape[],
  { type, text, hasImatrix }: MixtureOptions,
): (tensor: NamedShape) => TensorType {
  const { base } = fileTypes[type];
  const tied = !tensors.some(({ name }) => name === 'output.weight');
  const values = tensors.filter(({ name }) => name.endsWith('attn_v.weight')).length;
  const sharing = text.heads / text.kvHeads;
  const stretched = text.yarn !== undefined || text.temperature !== undefined;
  const large = text.layers === 80 && sharing > 1 && !stretched; // llama.cpp takes it for a 70B, whose values are small
  const next = { value: 0, down: 0 };
  return ({ name, shape }) => {
    if (name === (tied ? 'token_embd.weight' : 'output.weight')) {
      return base === 'q8_0' || (shape.at(-1) ?? 1) % blockSize(base) !== 0 ? 'q8_0' : 'q6_k';
    }
    if (name.endsWith('attn_v.weight')) {
      const chosen = valueRules[type]?.({ index: next.value++, count: values, sharing, hasImatrix }) || base;
      return large && (chosen === 'q3_k' || chosen === 'q4_k') ? 'q5_k' : chosen;
    }
    const place = { index: next.down, count: text.layers, sharing, hasImatrix };
    if (name.endsWith('ffn_down.weight')) {
      next.down++;
      return downRules[type]?.(place) || base;
    }
    return (name.endsWith('attn_output.weight') && attentionOutputRules[type]?.(place)) || base;
  };
}
