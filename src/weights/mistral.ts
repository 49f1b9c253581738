import {
  type JsonObject,
  type Range,
  asObject,
  expectOneOf,
  integer,
  number,
  optionalBoolean,
  optionalField,
  optionalInteger,
  optionalNumber,
  optionalObject,
  optionalString,
  sizes,
} from './json.ts';
import type { Family } from './families/family.ts';
import { refuseMistralRelatives } from './families/out-of-scope.ts';
import { familyOfParams } from './families/registry.ts';
import { type GivenImageTokenIds, type ImageTokenIds, imageTokenIdRange } from './image-tokens.ts';
import { refuseQuantized } from './quantized.ts';
import { mistralStretch, stretches } from './stretch.ts';
import type { ModelConfig, TextConfig } from './types.ts';

/** GGUF name -> name in consolidated.safetensors. Rows of q and k are already in the order that ggml's RoPE wants. */
export const mistralNames: Readonly<Record<string, string>> = {
  'token_embd.weight': 'tok_embeddings.weight',
  'output_norm.weight': 'norm.weight',
  'output.weight': 'output.weight',
  'blk.N.attn_norm.weight': 'layers.N.attention_norm.weight',
  'blk.N.attn_q.weight': 'layers.N.attention.wq.weight',
  'blk.N.attn_k.weight': 'layers.N.attention.wk.weight',
  'blk.N.attn_v.weight': 'layers.N.attention.wv.weight',
  'blk.N.attn_output.weight': 'layers.N.attention.wo.weight',
  'blk.N.ffn_norm.weight': 'layers.N.ffn_norm.weight',
  'blk.N.ffn_gate.weight': 'layers.N.feed_forward.w1.weight',
  'blk.N.ffn_up.weight': 'layers.N.feed_forward.w3.weight',
  'blk.N.ffn_down.weight': 'layers.N.feed_forward.w2.weight',
  'v.patch_embd.weight': 'vision_encoder.patch_conv.weight',
  'v.pre_ln.weight': 'vision_encoder.ln_pre.weight',
  'v.blk.N.ln1.weight': 'vision_encoder.transformer.layers.N.attention_norm.weight',
  'v.blk.N.attn_q.weight': 'vision_encoder.transformer.layers.N.attention.wq.weight',
  'v.blk.N.attn_k.weight': 'vision_encoder.transformer.layers.N.attention.wk.weight',
  'v.blk.N.attn_v.weight': 'vision_encoder.transformer.layers.N.attention.wv.weight',
  'v.blk.N.attn_out.weight': 'vision_encoder.transformer.layers.N.attention.wo.weight',
  'v.blk.N.ln2.weight': 'vision_encoder.transformer.layers.N.ffn_norm.weight',
  'v.blk.N.ffn_gate.weight': 'vision_encoder.transformer.layers.N.feed_forward.w1.weight',
  'v.blk.N.ffn_up.weight': 'vision_encoder.transformer.layers.N.feed_forward.w3.weight',
  'v.blk.N.ffn_down.weight': 'vision_encoder.transformer.layers.N.feed_forward.w2.weight',
  'mm.input_norm.weight': 'pre_mm_projector_norm.weight',
  'mm.patch_merger.weight': 'patch_merger.merging_layer.weight',
  'mm.1.weight': 'vision_language_adapter.w_in.weight',
  'mm.1.bias': 'vision_language_adapter.w_in.bias',
  'mm.2.weight': 'vision_language_adapter.w_out.weight',
  'mm.2.bias': 'vision_language_adapter.w_out.bias',
};

/** What the family's models were trained with; the torrent's params.json does not say. */
const defaultContextLength = 131_072;
const positive: Range = { min: Number.MIN_VALUE, max: Number.MAX_VALUE };

/**
 * params.json of Mistral's layout, in its torrent form (no context length, no break and end ids) and its Hub form.
 * Missing vision fields take the defaults of mistral-inference (args.py).
 * @throws PixtralError `model` when a field is missing, wrong, or asks for what the pair cannot express
 */
export function mistralConfig(params: JsonObject, imageTokens: ImageTokenIds): ModelConfig {
  refuseMistralRelatives(params);
  for (const key of ['moe', 'lora', ...latentKeys]) expectOneOf(params, key, []);
  refuseWindows(params);
  checkQuantization(params);
  const vision = visionEncoder(params);
  expectOneOf(vision, 'mm_projector_id', ['', 'patch_merge']);
  expectOneOf(vision, 'add_cls_token', [false]);
  const merges = hasMerger(vision);
  const hiddenSize = integer(vision, 'hidden_size', sizes);
  const heads = integer(vision, 'num_attention_heads', sizes);
  return {
    text: textConfig(params),
    vision: {
      hiddenSize,
      intermediateSize: integer(vision, 'intermediate_size', sizes),
      layers: integer(vision, 'num_hidden_layers', sizes),
      heads,
      headDim: hiddenSize / heads,
      patchSize: integer(vision, 'patch_size', sizes),
      imageSize: optionalInteger(vision, 'image_size', sizes) ?? integer(vision, 'max_image_size', sizes),
      ropeTheta: optionalNumber(vision, 'rope_theta', positive) ?? 10_000,
      normEps: 1e-5, // fixed in mistral-inference and transformers alike
      channels: optionalInteger(vision, 'num_channels', sizes) ?? 3,
      spatialMergeSize: merges ? (optionalInteger(vision, 'spatial_merge_size', sizes) ?? 2) : 1,
      ...imageTokens,
      adapterBias: optionalBoolean(vision, 'adapter_bias') ?? true,
      projectorNorm: optionalBoolean(vision, 'add_pre_mm_projector_layer_norm') ?? false,
    },
  };
}

/** Of latent attention: null in the params.json of those that have none. */
const latentKeys = ['q_lora_rank', 'kv_lora_rank', 'qk_rope_head_dim', 'qk_nope_head_dim', 'v_head_dim'];

/** One window for all layers, or a list of one a layer: null means that there is none. */
function refuseWindows(params: JsonObject): void {
  const windows = optionalField(params, 'sliding_window');
  if (Array.isArray(windows) && windows.every((window) => window === null)) return;
  expectOneOf(params, 'sliding_window', []);
}

/** Weights of 8 bits; how activations are rounded is of no use to us. */
function checkQuantization(params: JsonObject): void {
  const quantization = optionalObject(params, 'quantization');
  if (quantization) refuseQuantized(quantization, { key: 'qformat_weight', allowed: 'fp8_e4m3' });
}

function visionEncoder(params: JsonObject): JsonObject {
  const multimodal = optionalObject(params, 'multimodal');
  if (!multimodal) return asObject(optionalField(params, 'vision_encoder'), `${params.where}: vision_encoder`);
  return asObject(optionalField(multimodal, 'vision_encoder_args'), `${multimodal.where}: vision_encoder_args`);
}

function hasMerger(vision: JsonObject): boolean {
  return optionalString(vision, 'mm_projector_id') === 'patch_merge';
}

/** @throws PixtralError `model` where no family is built so */
export function mistralFamily(params: JsonObject): Family {
  return familyOfParams(params.where, { merges: hasMerger(visionEncoder(params)), stretches: stretches(params) });
}

function textConfig(params: JsonObject): TextConfig {
  return {
    dim: integer(params, 'dim', sizes),
    layers: integer(params, 'n_layers', sizes),
    heads: integer(params, 'n_heads', sizes),
    kvHeads: integer(params, 'n_kv_heads', sizes),
    headDim: integer(params, 'head_dim', sizes),
    hiddenDim: integer(params, 'hidden_dim', sizes),
    ropeTheta: number(params, 'rope_theta', positive),
    normEps: number(params, 'norm_eps', positive),
    vocabularySize: integer(params, 'vocab_size', sizes),
    contextLength:
      optionalInteger(params, 'max_position_embeddings', { min: 1, max: 2 ** 31 - 1 }) ?? defaultContextLength,
    tiedEmbeddings: optionalBoolean(params, 'tied_embeddings') ?? false,
    ...mistralStretch(params),
  };
}

/** The ids that params.json gives: absent in the torrent's, and -1 where the tokenizer shall say. */
export function mistralImageTokens(params: JsonObject): GivenImageTokenIds {
  const vision = visionEncoder(params);
  const id = (key: string): number | undefined => {
    const value = optionalInteger(vision, key, imageTokenIdRange);
    return value === -1 ? undefined : value;
  };
  return {
    imageTokenId: id('image_token_id'),
    imageBreakTokenId: id('image_break_token_id'),
    imageEndTokenId: id('image_end_token_id'),
  };
}
