import { PixtralError } from '../base/errors.ts';
import {
  type JsonObject,
  type Range,
  expectOneOf,
  integer,
  number,
  optionalBoolean,
  optionalField,
  optionalInteger,
  optionalNumber,
  optionalObject,
} from './json.ts';
import type { AttentionTemperature, TextConfig, Yarn } from './types.ts';

/** What lets a model read contexts longer than those that it was first trained with. */
export type Stretch = Pick<TextConfig, 'yarn' | 'temperature'>;

const tokens: Range = { min: 1, max: 2 ** 31 - 1 };
const factors: Range = { min: 1, max: 1e6 };
const turns: Range = { min: 1e-6, max: 1e6 };
const multipliers: Range = { min: 0, max: 1e6 };

/**
 * `yarn` and `llama_4_scaling` of params.json.
 * @throws PixtralError `model` for what a GGUF file cannot say
 */
export function mistralStretch(params: JsonObject): Stretch {
  const yarn = optionalObject(params, 'yarn');
  const scaling = optionalObject(params, 'llama_4_scaling');
  return together(params.where, {
    ...(yarn && { yarn: mistralYarn(yarn) }),
    ...(scaling && {
      temperature: {
        beta: number(scaling, 'beta', multipliers),
        originalContext: integer(scaling, 'original_max_position_embeddings', tokens),
      },
    }),
  });
}

function mistralYarn(yarn: JsonObject): Yarn {
  const factor = number(yarn, 'factor', factors);
  return {
    factor,
    originalContext: integer(yarn, 'original_max_position_embeddings', tokens),
    betaFast: optionalNumber(yarn, 'beta', turns) ?? 32,
    betaSlow: optionalNumber(yarn, 'alpha', turns) ?? 1,
    // vLLM's reading (transformers_utils/configs/mistral.py): unsaid is yes.
    attentionFactor: (optionalBoolean(yarn, 'apply_scale') ?? true) ? usualAttentionFactor(factor) : 1,
  };
}

/**
 * The same of `rope_parameters` in Hugging Face's layout (modeling_rope_utils.py, modeling_ministral3.py).
 * @param contextLength of the whole, where the original one is not said
 * @throws PixtralError `model` for what a GGUF file cannot say
 */
export function huggingFaceStretch(
  rope: JsonObject,
  { type, contextLength }: { type: 'default' | 'yarn'; contextLength: number },
): Stretch {
  const originalContext = optionalInteger(rope, 'original_max_position_embeddings', tokens) ?? contextLength;
  const beta = optionalNumber(rope, 'llama_4_scaling_beta', multipliers);
  return together(rope.where, {
    ...(type === 'yarn' && { yarn: huggingFaceYarn(rope, { originalContext, contextLength }) }),
    ...(beta !== undefined && { temperature: { beta, originalContext } }),
  });
}

function huggingFaceYarn(
  rope: JsonObject,
  { originalContext, contextLength }: { originalContext: number; contextLength: number },
): Yarn {
  expectOneOf(rope, 'truncate', [true]);
  expectOneOf(rope, 'partial_rotary_factor', [1]);
  const factor = optionalNumber(rope, 'factor', factors) ?? contextLength / originalContext;
  return {
    factor,
    originalContext,
    betaFast: optionalNumber(rope, 'beta_fast', turns) ?? 32,
    betaSlow: optionalNumber(rope, 'beta_slow', turns) ?? 1,
    attentionFactor:
      optionalNumber(rope, 'attention_factor', { min: 1e-6, max: 1e6 }) ?? impliedAttentionFactor(rope, factor),
  };
}

function impliedAttentionFactor(rope: JsonObject, factor: number): number {
  const mscale = optionalNumber(rope, 'mscale', multipliers);
  const mscaleAllDim = optionalNumber(rope, 'mscale_all_dim', multipliers);
  if (!mscale || !mscaleAllDim) return usualAttentionFactor(factor);
  return magnitude(factor, mscale) / magnitude(factor, mscaleAllDim);
}

/** By which YaRN multiplies cosines and sines, if nothing takes it back. */
export function usualAttentionFactor(factor: number): number {
  return magnitude(factor, 1);
}

function magnitude(factor: number, scale: number): number {
  return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
}

/** A temperature of nothing is none; llama.cpp has one original context for both. */
function together(where: string, { yarn, temperature }: { yarn?: Yarn; temperature?: AttentionTemperature }): Stretch {
  if (!temperature || temperature.beta === 0) return { ...(yarn && { yarn }) };
  if (yarn && yarn.originalContext !== temperature.originalContext) {
    throw new PixtralError(
      'model',
      `${where}: YaRN is of ${yarn.originalContext} tokens and llama_4_scaling of ${temperature.originalContext}, expected the same`,
    );
  }
  return { ...(yarn && { yarn }), temperature };
}

/** Whether params.json stretches the context at all. */
export function stretches(params: JsonObject): boolean {
  return optionalField(params, 'yarn') !== undefined || optionalField(params, 'llama_4_scaling') !== undefined;
}
