import { PixtralError } from '../base/errors.ts';
import type { Family, HuggingFaceFamily, TextDefaults } from './families/family.ts';
import { refuseHuggingFaceRelatives } from './families/out-of-scope.ts';
import { familyOfConfig } from './families/registry.ts';
import { type GivenImageTokenIds, type ImageTokenIds, imageTokenIdRange } from './image-tokens.ts';
import {
  type JsonObject,
  type Range,
  asObject,
  expectOneOf,
  optionalBoolean,
  optionalField,
  optionalInteger,
  optionalNumber,
  optionalObject,
  optionalString,
  sizes,
} from './json.ts';
import { refuseQuantized } from './quantized.ts';
import { huggingFaceStretch } from './stretch.ts';
import type { ModelConfig, TextConfig, VisionConfig } from './types.ts';

/** GGUF name -> name in the shards, in the oldest spelling of its prefix. */
export const huggingFaceNames: Readonly<Record<string, string>> = {
  'token_embd.weight': 'language_model.model.embed_tokens.weight',
  'output_norm.weight': 'language_model.model.norm.weight',
  'output.weight': 'language_model.lm_head.weight',
  'blk.N.attn_norm.weight': 'language_model.model.layers.N.input_layernorm.weight',
  'blk.N.attn_q.weight': 'language_model.model.layers.N.self_attn.q_proj.weight',
  'blk.N.attn_k.weight': 'language_model.model.layers.N.self_attn.k_proj.weight',
  'blk.N.attn_v.weight': 'language_model.model.layers.N.self_attn.v_proj.weight',
  'blk.N.attn_output.weight': 'language_model.model.layers.N.self_attn.o_proj.weight',
  'blk.N.ffn_norm.weight': 'language_model.model.layers.N.post_attention_layernorm.weight',
  'blk.N.ffn_gate.weight': 'language_model.model.layers.N.mlp.gate_proj.weight',
  'blk.N.ffn_up.weight': 'language_model.model.layers.N.mlp.up_proj.weight',
  'blk.N.ffn_down.weight': 'language_model.model.layers.N.mlp.down_proj.weight',
  'v.patch_embd.weight': 'vision_tower.patch_conv.weight',
  'v.pre_ln.weight': 'vision_tower.ln_pre.weight',
  'v.blk.N.ln1.weight': 'vision_tower.transformer.layers.N.attention_norm.weight',
  'v.blk.N.attn_q.weight': 'vision_tower.transformer.layers.N.attention.q_proj.weight',
  'v.blk.N.attn_k.weight': 'vision_tower.transformer.layers.N.attention.k_proj.weight',
  'v.blk.N.attn_v.weight': 'vision_tower.transformer.layers.N.attention.v_proj.weight',
  'v.blk.N.attn_out.weight': 'vision_tower.transformer.layers.N.attention.o_proj.weight',
  'v.blk.N.ln2.weight': 'vision_tower.transformer.layers.N.ffn_norm.weight',
  'v.blk.N.ffn_gate.weight': 'vision_tower.transformer.layers.N.feed_forward.gate_proj.weight',
  'v.blk.N.ffn_up.weight': 'vision_tower.transformer.layers.N.feed_forward.up_proj.weight',
  'v.blk.N.ffn_down.weight': 'vision_tower.transformer.layers.N.feed_forward.down_proj.weight',
  'mm.input_norm.weight': 'multi_modal_projector.norm.weight',
  'mm.patch_merger.weight': 'multi_modal_projector.patch_merger.merging_layer.weight',
  'mm.1.weight': 'multi_modal_projector.linear_1.weight',
  'mm.1.bias': 'multi_modal_projector.linear_1.bias',
  'mm.2.weight': 'multi_modal_projector.linear_2.weight',
  'mm.2.bias': 'multi_modal_projector.linear_2.bias',
};

/** Newer transformers save the same tensors under other prefixes (since 4.52). */
const prefixes: readonly (readonly [newer: string, oldest: string])[] = [
  ['model.language_model.', 'language_model.model.'],
  ['model.vision_tower.', 'vision_tower.'],
  ['model.multi_modal_projector.', 'multi_modal_projector.'],
  ['lm_head.', 'language_model.lm_head.'],
];

/** A tensor's name in the oldest spelling of its prefix. */
export function oldestName(name: string): string {
  const found = prefixes.find(([newer]) => name.startsWith(newer));
  return found === undefined ? name : found[1] + name.slice(found[0].length);
}

/** Over how many heads Hugging Face split the rows of this tensor into halves; undefined where it did not. */
export function permutedHeads(pattern: string, { text, vision }: ModelConfig): number | undefined {
  switch (pattern) {
    case 'blk.N.attn_q.weight':
      return text.heads;
    case 'blk.N.attn_k.weight':
      return text.kvHeads;
    case 'v.blk.N.attn_q.weight':
    case 'v.blk.N.attn_k.weight':
      return vision.heads;
    default:
      return undefined;
  }
}

/**
 * config.json of LlavaForConditionalGeneration or Mistral3ForConditionalGeneration around a Pixtral tower.
 * What the file leaves out takes the defaults of the config's class, as in transformers.
 * @param hasOutput whether the shards hold an output matrix; some configs call the embeddings tied all the same
 * @throws PixtralError `model` when a field is missing, wrong, or asks for what the pair cannot express
 */
export function huggingFaceConfig(
  config: JsonObject,
  { imageTokens, hasOutput }: { imageTokens: ImageTokenIds; hasOutput: boolean },
): ModelConfig {
  const { huggingFace: family } = huggingFaceFamily(config);
  expectOneOf(config, 'projector_hidden_act', ['gelu']);
  expectOneOf(config, 'vision_feature_select_strategy', ['full']);
  checkQuantization(config);
  const featureLayer = optionalInteger(config, 'vision_feature_layer', { min: -1000, max: 1000 });
  if ((featureLayer ?? family.featureLayer) !== -1) {
    throw new PixtralError('model', `${config.where}: vision_feature_layer is not -1, expected Pixtral's -1`);
  }
  const vision = asObject(optionalField(config, 'vision_config'), `${config.where}: vision_config`);
  const mergeSize = optionalInteger(config, 'spatial_merge_size', { min: 1, max: 64 });
  const text = textConfig(textFields(config), family.text);
  const tower = towerConfig(vision);
  // transformers, modeling_mistral3.py: the norm before the merger takes the text model's.
  const ownEps = family.projectorNorm && text.normEps !== tower.normEps;
  return {
    text: { ...text, tiedEmbeddings: !hasOutput && saysTied(config, family) },
    vision: {
      ...tower,
      ...imageTokens,
      ...(ownEps && { projectorNormEps: text.normEps }),
      spatialMergeSize: family.spatialMergeSize === 1 ? 1 : (mergeSize ?? family.spatialMergeSize),
      adapterBias: optionalBoolean(config, 'multimodal_projector_bias') ?? family.projectorBias,
      projectorNorm: family.projectorNorm,
    },
  };
}

/** @throws PixtralError `model` for another kind of model; relatives of Pixtral are named */
export function huggingFaceFamily(config: JsonObject): Family {
  refuseHuggingFaceRelatives(config);
  return familyOfConfig(config, textFields(config));
}

function textFields(config: JsonObject): JsonObject {
  return asObject(optionalField(config, 'text_config'), `${config.where}: text_config`);
}

/** Weights of 8 bits, each with its scale; which tensors they are shows in the shards. */
function checkQuantization(config: JsonObject): void {
  for (const part of [config, textFields(config)]) {
    const quantization = optionalObject(part, 'quantization_config');
    if (quantization) refuseQuantized(quantization, { key: 'quant_method', allowed: 'fp8' });
  }
}

/** Rows and columns of a block of 8-bit weights, where config.json says so. */
export function statedBlocks(config: JsonObject): readonly [rows: number, columns: number] | undefined {
  const quantization = optionalObject(config, 'quantization_config');
  const size = quantization && optionalField(quantization, 'weight_block_size');
  if (!Array.isArray(size)) return undefined;
  const [rows, columns]: unknown[] = size;
  if (size.length === 2 && isSize(rows) && isSize(columns)) return [rows, columns];
  throw new PixtralError('model', `${config.where}: weight_block_size is no pair of whole numbers`);
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= sizes.min && value <= sizes.max;
}

function saysTied(config: JsonObject, family: HuggingFaceFamily): boolean {
  const text = optionalObject(config, 'text_config');
  const inText = text === undefined ? undefined : optionalBoolean(text, 'tie_word_embeddings');
  return inText ?? optionalBoolean(config, 'tie_word_embeddings') ?? family.tied;
}

const positive: Range = { min: Number.MIN_VALUE, max: Number.MAX_VALUE };
/** The window that Mistral states for Pixtral-12B; its Hugging Face config says 1,024,000 by mistake. */
const pixtralContextLength = 131_072;
const mistakenContextLength = 1_024_000;

function textConfig(text: JsonObject, defaults: TextDefaults): Omit<TextConfig, 'tiedEmbeddings'> {
  expectOneOf(text, 'hidden_act', ['silu']);
  expectOneOf(text, 'attention_bias', [false]);
  refuseWindow(text, defaults);
  const dim = optionalInteger(text, 'hidden_size', sizes) ?? defaults.dim;
  const heads = optionalInteger(text, 'num_attention_heads', sizes) ?? defaults.heads;
  const stated = optionalInteger(text, 'max_position_embeddings', { min: 1, max: 2 ** 31 - 1 });
  const contextLength = stated === mistakenContextLength ? pixtralContextLength : (stated ?? defaults.contextLength);
  const rope = ropeOf(text, { types: ['default', 'yarn'], defaults: defaults.rope });
  if (!defaults.hasTemperature) expectOneOf(rope.fields, 'llama_4_scaling_beta', []);
  return {
    dim,
    layers: optionalInteger(text, 'num_hidden_layers', sizes) ?? defaults.layers,
    heads,
    kvHeads: optionalInteger(text, 'num_key_value_heads', sizes) ?? defaults.kvHeads,
    headDim: optionalInteger(text, 'head_dim', sizes) ?? defaults.headDim ?? Math.floor(dim / heads),
    hiddenDim: optionalInteger(text, 'intermediate_size', sizes) ?? defaults.hiddenDim,
    ropeTheta: rope.theta,
    normEps: optionalNumber(text, 'rms_norm_eps', positive) ?? defaults.normEps,
    vocabularySize: optionalInteger(text, 'vocab_size', sizes) ?? defaults.vocabularySize,
    contextLength,
    ...huggingFaceStretch(rope.fields, { type: rope.type === 'yarn' ? 'yarn' : 'default', contextLength }),
  };
}

/** What is left out is as transformers takes it: 4096 in the class of Mistral's older text models. */
function refuseWindow(text: JsonObject, { slidingWindow }: TextDefaults): void {
  expectOneOf(text, 'sliding_window', []);
  if (slidingWindow === undefined || Object.hasOwn(text.fields, 'sliding_window')) return;
  throw new PixtralError(
    'model',
    `${text.where}: lacks sliding_window, which transformers takes for ${slidingWindow}, expected null`,
    { hint: 'if the model was trained without a window, add "sliding_window": null to its text_config' },
  );
}

type TowerConfig = Omit<VisionConfig, keyof ImageTokenIds | 'spatialMergeSize' | 'adapterBias' | 'projectorNorm'>;

/** configuration_pixtral.py. hidden_act is SiLU in truth, though the class default and old copies say gelu. */
function towerConfig(vision: JsonObject): TowerConfig {
  expectOneOf(vision, 'model_type', ['pixtral']);
  expectOneOf(vision, 'hidden_act', ['silu', 'gelu']);
  const hiddenSize = optionalInteger(vision, 'hidden_size', sizes) ?? 1024;
  const heads = optionalInteger(vision, 'num_attention_heads', sizes) ?? 16;
  const headDim = hiddenSize / heads;
  expectOneOf(vision, 'head_dim', [headDim]);
  return {
    hiddenSize,
    intermediateSize: optionalInteger(vision, 'intermediate_size', sizes) ?? 4096,
    layers: optionalInteger(vision, 'num_hidden_layers', sizes) ?? 24,
    heads,
    headDim,
    patchSize: optionalInteger(vision, 'patch_size', sizes) ?? 16,
    imageSize: optionalInteger(vision, 'image_size', sizes) ?? 1024,
    ropeTheta: ropeOf(vision, { types: ['default', 'axial'], defaults: {} }).theta,
    normEps: 1e-5, // fixed in mistral-inference and transformers alike
    channels: optionalInteger(vision, 'num_channels', sizes) ?? 3,
  };
}

interface Rope {
  fields: JsonObject;
  type: string;
  theta: number;
}

/** Transformers 5 keeps all inside `rope_parameters`; before, theta stood beside the other fields. */
function ropeOf(
  config: JsonObject,
  { types, defaults }: { types: readonly string[]; defaults: Readonly<Record<string, unknown>> },
): Rope {
  const key = ['rope_parameters', 'rope_scaling'].find((name) => optionalField(config, name) !== undefined);
  const beside = optionalNumber(config, 'rope_theta', positive);
  const stated = key === undefined ? undefined : optionalObject(config, key);
  const fields = stated ?? { where: config.where, fields: defaults };
  const typeKey = optionalField(fields, 'rope_type') === undefined ? 'type' : 'rope_type';
  expectOneOf(fields, typeKey, types);
  return {
    fields,
    type: optionalString(fields, typeKey) ?? 'default',
    theta: optionalNumber(fields, 'rope_theta', positive) ?? beside ?? 10_000,
  };
}

/** config.json names the image token only; break and end stand in the tokenizer. */
export function huggingFaceImageTokens(config: JsonObject): GivenImageTokenIds {
  const key = optionalField(config, 'image_token_index') === undefined ? 'image_token_id' : 'image_token_index';
  return {
    imageTokenId: optionalInteger(config, key, imageTokenIdRange),
    imageBreakTokenId: undefined,
    imageEndTokenId: undefined,
  };
}

/** Whether config.json repeats the known mistake of naming GELU for the tower. */
export function saysGelu(config: JsonObject): boolean {
  const vision = optionalObject(config, 'vision_config');
  return vision !== undefined && (optionalString(vision, 'hidden_act') ?? 'gelu') === 'gelu';
}
