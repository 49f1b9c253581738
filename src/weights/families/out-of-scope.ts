import { PixtralError } from '../../base/errors.ts';
import { type JsonObject, isRecord, optionalField, optionalObject } from '../json.ts';

/** What is looked at to tell a model that cannot be converted; undefined where a config does not say. */
interface Traits {
  /** Every `model_type`, of the whole and of the text. */
  types: readonly unknown[];
  hasExperts: boolean;
  /** Keys and values are kept as one latent vector (MLA). */
  hasLatentAttention: boolean;
  vocabularySize: unknown;
  towerLayers: unknown;
}

interface OutOfScope {
  name: string;
  reason: string;
  is: (traits: Traits) => boolean;
}

/** Relatives with other parts. The first that fits is named. */
const relatives: readonly OutOfScope[] = [
  {
    name: 'Mistral Large 4',
    reason: 'its vocabulary of 204,800 tokens, sparse attention and experts are out of scope',
    is: ({ types, vocabularySize }) =>
      vocabularySize === 204_800 || types.includes('mistral_large4') || types.includes('mistral_large4_text'),
  },
  {
    name: 'Mistral Small 4 or Mistral Large 3',
    reason: 'a mixture of experts (moe) is out of scope',
    is: ({ types, hasExperts }) => hasExperts || types.includes('mistral4'),
  },
  {
    name: 'a model of latent attention (MLA)',
    reason: 'only grouped-query attention can be converted',
    is: ({ hasLatentAttention }) => hasLatentAttention,
  },
  {
    name: 'Pixtral-Large',
    reason: 'its SentencePiece tokenizer (32,768 tokens) is out of scope',
    is: ({ vocabularySize, towerLayers }) => vocabularySize === 32_768 && towerLayers === 40,
  },
  {
    name: 'Mistral Medium 3.5',
    reason: 'its tower of 48 layers, beside 128 billion weights of text, is out of scope',
    is: ({ towerLayers }) => towerLayers === 48,
  },
  {
    name: 'LightOnOCR',
    reason: 'its text model is Qwen3',
    is: ({ types }) => types.includes('qwen3') || types.includes('lighton_ocr'),
  },
];

const hint = 'Pixtral-12B, Ministral 3, Mistral Small 3.1 and 3.2 and their fine-tunes can be converted';

/** @throws PixtralError `model` with the model's name and the reason, where params.json describes a relative */
export function refuseMistralRelatives(params: JsonObject): void {
  const vision = optionalVision(params);
  refuse(params.where, {
    types: [optionalField(params, 'model_type')],
    hasExperts: optionalField(params, 'moe') !== undefined,
    hasLatentAttention: says(params, ['kv_lora_rank', 'q_lora_rank']),
    vocabularySize: optionalField(params, 'vocab_size'),
    towerLayers: vision && optionalField(vision, 'num_hidden_layers'),
  });
}

/** @throws PixtralError as `refuseMistralRelatives`, for config.json */
export function refuseHuggingFaceRelatives(config: JsonObject): void {
  const text = objectOrNone(config, 'text_config');
  const vision = objectOrNone(config, 'vision_config');
  refuse(config.where, {
    types: [optionalField(config, 'model_type'), text && optionalField(text, 'model_type')],
    hasExperts: text !== undefined && says(text, ['n_routed_experts', 'num_local_experts', 'num_experts']),
    hasLatentAttention: text !== undefined && says(text, ['kv_lora_rank', 'q_lora_rank']),
    vocabularySize: text && optionalField(text, 'vocab_size'),
    towerLayers: vision && optionalField(vision, 'num_hidden_layers'),
  });
}

function refuse(where: string, traits: Traits): void {
  const found = relatives.find(({ is }) => is(traits));
  if (found) throw new PixtralError('model', `${where}: this is ${found.name}: ${found.reason}`, { hint });
}

/** Zero and null mean that there is none. */
function says(object: JsonObject, keys: readonly string[]): boolean {
  return keys.some((key) => (optionalField(object, key) ?? 0) !== 0);
}

/** Whoever reads the config says what is wrong with a field that is no object. */
function objectOrNone(object: JsonObject, key: string): JsonObject | undefined {
  return isRecord(optionalField(object, key)) ? optionalObject(object, key) : undefined;
}

function optionalVision(params: JsonObject): JsonObject | undefined {
  const multimodal = objectOrNone(params, 'multimodal');
  return objectOrNone(params, 'vision_encoder') ?? (multimodal && objectOrNone(multimodal, 'vision_encoder_args'));
}

/** Mistral's SentencePiece files: `tokenizer.model`, `tokenizer.model.v7m1`. */
export function isSentencePiece(file: string): boolean {
  return /^tokenizer\.model(\.v\w+)?$/.test(file);
}

/** What is said where only a SentencePiece tokenizer is found. */
export const sentencePieceFinding = 'its tokenizer is SentencePiece, which is out of scope, expected tekken.json';
export const sentencePieceHint =
  'Pixtral-Large and the Mistral models before Nemo have such a tokenizer; use them with vLLM or llama.cpp';
