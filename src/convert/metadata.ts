import { basename } from 'node:path';
import { viewBytes } from '../base/view-bytes.ts';
import { bool, f32, f32Array, rawArray, text, u32 } from '../gguf/build.ts';
import type { GgufValue } from '../gguf/types.ts';
import type { GgufTokenizer } from '../tokenizer/gguf-keys.ts';
import { usualAttentionFactor } from '../weights/stretch.ts';
import type { ModelConfig, TextConfig, Yarn } from '../weights/types.ts';
import type { Imatrix } from './imatrix.ts';
import type { ModelCard } from './model-card.ts';

/** What both files of a pair say. */
export interface SharedMetadata {
  config: ModelConfig;
  /** Shown by tools: `Pixtral 12B 2409`. */
  name: string;
  /** The same in both files of a pair, and in no other pair. */
  pairId: string;
  card: ModelCard;
  /** Where the weights came from, as the user says. */
  sourceUrl: string | undefined;
  /** What the merged adapter is called. */
  lora: string | undefined;
  /** `pixtral 1.2.0` */
  convertedBy: string;
}

export interface MetadataOptions extends SharedMetadata {
  /** `general.file_type` */
  fileType: number;
  /** Weights in this file, for `general.size_label`. */
  parameters: number;
}

export interface TokenizerMetadata {
  keys: GgufTokenizer;
  /** `v3`, `v7`, ... */
  version: string;
  /** JSON: what a model of v15 is told beside the conversation. */
  settings: string | undefined;
  /** Jinja. */
  chatTemplate: string;
}

type Metadata = Map<string, GgufValue>;

/** The part of a text model's metadata that its tokenizer makes. */
export type TokenizerKeys = readonly [string, GgufValue][];

/**
 * Metadata of the text model, as llama.cpp reads it (reference: conversion/base.py, llama.py, mistral.py of v0.5.0).
 * Better than its converter's: `tekken` as pre-tokenizer in both layouts (its `pixtral` groups digits), a context
 * length always, a real Jinja template.
 */
export function modelMetadata(
  options: MetadataOptions & { imatrix: Imatrix | undefined },
  tokenizer: TokenizerKeys,
): Metadata {
  const { text: model } = options.config;
  const architecture = textArchitecture(model);
  return new Map([
    ...general(architecture, 'model', options),
    [`${architecture}.block_count`, u32(model.layers)],
    [`${architecture}.context_length`, u32(model.contextLength)],
    [`${architecture}.embedding_length`, u32(model.dim)],
    [`${architecture}.feed_forward_length`, u32(model.hiddenDim)],
    [`${architecture}.attention.head_count`, u32(model.heads)],
    [`${architecture}.attention.head_count_kv`, u32(model.kvHeads)],
    // The head size is not dim / heads in this family, so it must be said three times.
    [`${architecture}.attention.key_length`, u32(model.headDim)],
    [`${architecture}.attention.value_length`, u32(model.headDim)],
    [`${architecture}.rope.dimension_count`, u32(model.headDim)],
    [`${architecture}.rope.freq_base`, f32(model.ropeTheta)],
    [`${architecture}.attention.layer_norm_rms_epsilon`, f32(model.normEps)],
    [`${architecture}.vocab_size`, u32(model.vocabularySize)],
    ...stretchMetadata(model),
    ...tokenizer,
    ...imatrixMetadata(options.imatrix),
  ]);
}

/** Only `mistral3` reads all that stretches a context; everything reads `llama`. */
export function textArchitecture({ yarn, temperature }: Pick<TextConfig, 'yarn' | 'temperature'>): string {
  return yarn || temperature ? 'mistral3' : 'llama';
}

function stretchMetadata({ yarn, temperature }: TextConfig): [string, GgufValue][] {
  return [
    ...(yarn ? yarnMetadata(yarn) : []),
    ...(temperature && !yarn ? [originalContext(temperature.originalContext)] : []),
    ...(temperature ? [mistral3('attention.temperature_scale', f32(temperature.beta))] : []),
  ];
}

function mistral3(key: string, value: GgufValue): [string, GgufValue] {
  return [`mistral3.${key}`, value];
}

/** That of YaRN; llama.cpp takes it for that of the temperature too (src/models/mistral3.cpp). */
function originalContext(tokens: number): [string, GgufValue] {
  return mistral3('rope.scaling.original_context_length', u32(tokens));
}

/**
 * llama.cpp multiplies cosines and sines by 1 where the multiplier of the logarithm is 1, by YaRN's own factor where it
 * is 0, and by `attn_factor` besides (src/llama-context.cpp).
 */
function yarnMetadata({ factor, originalContext: tokens, betaFast, betaSlow, attentionFactor }: Yarn) {
  const isUsual = attentionFactor === usualAttentionFactor(factor) && attentionFactor !== 1;
  return [
    mistral3('rope.scaling.type', text('yarn')),
    mistral3('rope.scaling.factor', f32(factor)),
    originalContext(tokens),
    mistral3('rope.scaling.yarn_beta_fast', f32(betaFast)),
    mistral3('rope.scaling.yarn_beta_slow', f32(betaSlow)),
    mistral3('rope.scaling.yarn_log_multiplier', f32(isUsual ? 0 : 1)),
    ...(isUsual || attentionFactor === 1 ? [] : [mistral3('rope.scaling.attn_factor', f32(attentionFactor))]),
  ];
}

/** Metadata of the projector file: vision tower and adapter, as mtmd reads it (tools/mtmd/clip.cpp of v0.5.0). */
export function projectorMetadata(options: MetadataOptions): Metadata {
  const { text: model, vision } = options.config;
  return new Map([
    ...general('clip', 'mmproj', options),
    ['clip.has_vision_encoder', bool(true)],
    ['clip.projector_type', text('pixtral')],
    ['clip.vision.projection_dim', u32(model.dim)],
    ['clip.vision.image_size', u32(vision.imageSize)],
    ['clip.vision.patch_size', u32(vision.patchSize)],
    ['clip.vision.embedding_length', u32(vision.hiddenSize)],
    ['clip.vision.feed_forward_length', u32(vision.intermediateSize)],
    ['clip.vision.block_count', u32(vision.layers)],
    ['clip.vision.attention.head_count', u32(vision.heads)],
    ['clip.vision.attention.layer_norm_epsilon', f32(vision.normEps)],
    ['clip.vision.image_mean', f32Array(imageMean)],
    ['clip.vision.image_std', f32Array(imageStd)],
    ['clip.use_silu', bool(true)],
    ['clip.rope.freq_base', f32(vision.ropeTheta)],
    ...mergeSize(vision.spatialMergeSize),
    ...projectorNormEps(vision.projectorNormEps),
  ]);
}

/** Mistral normalises with CLIP's constants (mistral-common, tokens/tokenizers/image.py). */
const imageMean = [0.48145466, 0.4578275, 0.40821073];
const imageStd = [0.26862954, 0.26130258, 0.27577711];

/** llama.cpp has no key for it: mtmd takes the tower's. */
function projectorNormEps(eps: number | undefined): [string, GgufValue][] {
  return eps === undefined ? [] : [['pixtral.projector_norm_epsilon', f32(eps)]];
}

function mergeSize(size: number): [string, GgufValue][] {
  return size > 1 ? [['clip.vision.spatial_merge_size', u32(size)]] : [];
}

function general(architecture: string, kind: string, options: MetadataOptions): [string, GgufValue][] {
  return [
    ['general.architecture', text(architecture)],
    ['general.type', text(kind)],
    ['general.name', text(options.name)],
    ['general.size_label', text(sizeLabel(options.parameters))],
    ...cardMetadata(options.card),
    ...optionalText('general.source.url', options.sourceUrl),
    ['general.quantized_by', text(options.convertedBy)],
    ['general.file_type', u32(options.fileType)],
    ['general.quantization_version', u32(2)],
    ['pixtral.pair_id', text(options.pairId)],
    ...optionalText('pixtral.lora', options.lora),
  ];
}

function cardMetadata({ license, licenseName, licenseLink, baseModels }: ModelCard): [string, GgufValue][] {
  return [
    ...optionalText('general.license', license),
    ...optionalText('general.license.name', licenseName),
    ...optionalText('general.license.link', licenseLink),
    ...optionalCount('general.base_model.count', baseModels.length),
    ...baseModels.flatMap((id, index): [string, GgufValue][] => {
      const [organization = '', name = ''] = id.split('/');
      return [
        [`general.base_model.${index}.name`, text(name.replaceAll('-', ' '))],
        [`general.base_model.${index}.organization`, text(organization)],
        [`general.base_model.${index}.repo_url`, text(`https://huggingface.co/${id}`)],
      ];
    }),
  ];
}

/** llama-quantize's keys, and the file's hash. */
function imatrixMetadata(imatrix: Imatrix | undefined): [string, GgufValue][] {
  if (imatrix === undefined) return [];
  return [
    ['quantize.imatrix.file', text(basename(imatrix.path))],
    ...optionalText('quantize.imatrix.dataset', imatrix.dataset),
    ['quantize.imatrix.entries_count', u32(imatrix.entries.size)],
    ...optionalCount('quantize.imatrix.chunks_count', imatrix.chunks),
    ['pixtral.imatrix_sha256', text(imatrix.sha256)],
  ];
}

function optionalCount(key: string, value: number | undefined): [string, GgufValue][] {
  return value === undefined || value === 0 ? [] : [[key, u32(value)]];
}

function optionalText(key: string, value: string | undefined): [string, GgufValue][] {
  return value === undefined ? [] : [[key, text(value)]];
}

/** `12B`, `435M`, `1.2M`: two digits at least, as llama.cpp's converter writes it. */
export function sizeLabel(parameters: number): string {
  const [unit, letter] = units.find(([size]) => parameters > size) ?? [1e3, 'K'];
  const scaled = parameters / unit;
  return scaled.toFixed(scaled >= 9.5 ? 0 : 1) + letter;
}

const units: readonly (readonly [size: number, letter: string])[] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
];

export function tokenizerMetadata({ keys, version, settings, chatTemplate }: TokenizerMetadata): TokenizerKeys {
  return [
    ['tokenizer.ggml.model', text('gpt2')],
    ['tokenizer.ggml.pre', text('tekken')],
    ['tokenizer.ggml.tokens', stringsValue(keys.tokens)],
    ['tokenizer.ggml.token_type', rawArray('i32', keys.types.length, viewBytes(keys.types))],
    ['tokenizer.ggml.merges', stringsValue(keys.merges)],
    ['tokenizer.ggml.bos_token_id', u32(keys.bos)],
    ['tokenizer.ggml.eos_token_id', u32(keys.eos)],
    ['tokenizer.ggml.unknown_token_id', u32(keys.unk)],
    ['tokenizer.ggml.padding_token_id', u32(keys.pad)],
    ['tokenizer.ggml.add_bos_token', bool(true)],
    ['tokenizer.ggml.add_eos_token', bool(false)],
    ['tokenizer.chat_template', text(chatTemplate)],
    ['pixtral.tokenizer.version', text(version)],
    ...optionalText('pixtral.tokenizer.model_settings', settings),
  ];
}

/** The body of a GGUF string array: 400,000 strings into one buffer. */
export function stringsValue(strings: readonly string[]): GgufValue {
  const lengths = strings.map((string) => Buffer.byteLength(string));
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + 8 + length, 0));
  const body = Buffer.from(bytes.buffer);
  let at = 0;
  strings.forEach((string, index) => {
    body.writeUInt32LE(lengths[index] ?? 0, at); // the upper half of the u64 stays zero
    at += 8 + body.write(string, at + 8);
  });
  return rawArray('string', strings.length, bytes);
}
