import { writeFileSync } from 'node:fs';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalTensors, nameAt } from '../../src/weights/canonical.ts';
import { huggingFaceNames, permutedHeads } from '../../src/weights/huggingface.ts';
import { mistralNames } from '../../src/weights/mistral.ts';
import type { ModelConfig } from '../../src/weights/types.ts';

/** Shapes that catch mistakes: heads x head size is not dim, fewer KV heads, blocks of 32 in every row. */
export const tinyConfig: ModelConfig = {
  text: {
    dim: 96,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 32,
    hiddenDim: 160,
    ropeTheta: 1e9,
    normEps: 1e-5,
    vocabularySize: 300,
    contextLength: 131_072,
    tiedEmbeddings: false,
  },
  vision: {
    hiddenSize: 64,
    intermediateSize: 96,
    layers: 3, // fewer, and llama.cpp's converter cannot name the adapter's second matrix
    heads: 2,
    headDim: 32,
    patchSize: 8,
    imageSize: 64,
    ropeTheta: 10_000,
    normEps: 1e-5,
    channels: 3,
    spatialMergeSize: 1,
    imageTokenId: 10,
    imageBreakTokenId: 12,
    imageEndTokenId: 13,
    adapterBias: true,
    projectorNorm: false,
  },
};

/** The same, as Mistral Small 3.1 is built: patch merger, norm before it, no biases. */
export const tinyMergerConfig: ModelConfig = {
  text: tinyConfig.text,
  vision: { ...tinyConfig.vision, spatialMergeSize: 2, adapterBias: false, projectorNorm: true },
};

/** params.json as in the torrent of Pixtral-12B: neither ids of break and end nor a context length. */
export function paramsJson({ text, vision }: ModelConfig): Record<string, unknown> {
  const merges = vision.spatialMergeSize > 1;
  return {
    dim: text.dim,
    n_layers: text.layers,
    head_dim: text.headDim,
    hidden_dim: text.hiddenDim,
    n_heads: text.heads,
    n_kv_heads: text.kvHeads,
    rope_theta: text.ropeTheta,
    norm_eps: text.normEps,
    vocab_size: text.vocabularySize,
    ...stretchJson(text),
    vision_encoder: {
      hidden_size: vision.hiddenSize,
      num_channels: 3,
      image_size: vision.imageSize,
      patch_size: vision.patchSize,
      rope_theta: vision.ropeTheta,
      intermediate_size: vision.intermediateSize,
      num_hidden_layers: vision.layers,
      num_attention_heads: vision.heads,
      image_token_id: 10,
      ...(merges
        ? {
            mm_projector_id: 'patch_merge',
            spatial_merge_size: vision.spatialMergeSize,
            add_pre_mm_projector_layer_norm: true,
            adapter_bias: false,
          }
        : {}),
    },
  };
}

/** As Ministral 3 has it. */
function stretchJson({ yarn, temperature, tiedEmbeddings }: ModelConfig['text']): Record<string, unknown> {
  return {
    ...(tiedEmbeddings && { tied_embeddings: true }),
    ...(yarn && {
      yarn: {
        factor: yarn.factor,
        original_max_position_embeddings: yarn.originalContext,
        beta: yarn.betaFast,
        alpha: yarn.betaSlow,
        apply_scale: yarn.attentionFactor !== 1,
      },
    }),
    ...(temperature && {
      llama_4_scaling: { beta: temperature.beta, original_max_position_embeddings: temperature.originalContext },
    }),
  };
}

/** params.json as on the Hub since 2024-10: their converter refuses the torrent's. */
export function hubParams(json: Record<string, unknown>): Record<string, unknown> {
  const vision = { ...(json['vision_encoder'] as object), image_break_token_id: 12, image_end_token_id: 13 };
  return { ...json, max_position_embeddings: 131_072, vision_encoder: vision };
}

/** config.json as Hugging Face's Pixtral-12B has it (or Mistral Small 3.1, with a merger). */
export function configJson({ text, vision }: ModelConfig): Record<string, unknown> {
  const merges = vision.spatialMergeSize > 1;
  return {
    architectures: [merges ? 'Mistral3ForConditionalGeneration' : 'LlavaForConditionalGeneration'],
    model_type: merges ? 'mistral3' : 'llava',
    image_token_index: 10,
    projector_hidden_act: 'gelu',
    vision_feature_layer: -1,
    ...(merges ? { spatial_merge_size: vision.spatialMergeSize } : { vision_feature_select_strategy: 'full' }),
    text_config: {
      model_type: 'mistral',
      hidden_size: text.dim,
      head_dim: text.headDim,
      intermediate_size: text.hiddenDim,
      num_hidden_layers: text.layers,
      num_attention_heads: text.heads,
      num_key_value_heads: text.kvHeads,
      rms_norm_eps: text.normEps,
      rope_theta: text.ropeTheta,
      sliding_window: null,
      vocab_size: text.vocabularySize,
      max_position_embeddings: 1_024_000,
    },
    vision_config: {
      model_type: 'pixtral',
      head_dim: vision.headDim,
      hidden_act: 'silu',
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_hidden_layers: vision.layers,
      num_attention_heads: vision.heads,
      image_size: vision.imageSize,
      patch_size: vision.patchSize,
      rope_theta: vision.ropeTheta,
    },
  };
}

/** tekken.json with only the 256 bytes and some words: 40 control tokens (300 ids in all). */
export function tinyTekken(vocabularySize: number): Record<string, unknown> {
  const pattern =
    '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
  const words = [...Array.from({ length: 256 }, (_, byte) => [byte]), [97, 98], [97, 98, 99], [98, 99], [32, 97]];
  return {
    config: {
      pattern,
      num_vocab_tokens: words.length,
      default_vocab_size: vocabularySize,
      default_num_special_tokens: vocabularySize - words.length,
      version: 'v3',
    },
    vocab: words.map((bytes, rank) => ({ rank, token_bytes: Buffer.from(bytes).toString('base64'), token_str: null })),
    multimodal: { image_patch_size: 16, max_image_size: 1024 },
  };
}

export interface StoredTensor {
  name: string;
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

export type FloatType = 'F32' | 'F16' | 'BF16';

/** Seeded weights of every tensor, by GGUF name, in Mistral's order of rows. */
export function tinyWeights(config: ModelConfig): Map<string, { shape: number[]; values: Float32Array }> {
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return new Map(
    canonicalTensors(config).map(({ gguf, shape }) => {
      const count = shape.reduce((product, dim) => product * dim, 1);
      return [gguf, { shape, values: Float32Array.from({ length: count }, random) }];
    }),
  );
}

/** The tensors as one layout stores them. */
export function layoutTensors(
  config: ModelConfig,
  { layout, dtype }: { layout: 'mistral' | 'huggingface'; dtype: FloatType },
): StoredTensor[] {
  const weights = tinyWeights(config);
  return canonicalTensors(config).map(({ gguf, pattern, layer, shape }) => {
    const names = layout === 'mistral' ? mistralNames : huggingFaceNames;
    const heads = layout === 'mistral' ? undefined : permutedHeads(pattern, config);
    const values = weights.get(gguf)?.values ?? new Float32Array(0);
    const stored = heads === undefined ? values : splitHalves(values, { rows: shape[0] ?? 1, heads });
    return { name: nameAt(names[pattern] ?? '', layer), dtype, shape, bytes: encodeFloats(stored, dtype) };
  });
}

/** What Hugging Face's conversion script does to q and k: row (h, 2j + p) goes to (h, p * half + j). */
function splitHalves(values: Float32Array, { rows, heads }: { rows: number; heads: number }): Float32Array {
  const size = rows / heads;
  const columns = values.length / rows;
  const result = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let j = 0; j < size / 2; j++) {
      for (const p of [0, 1]) {
        const from = (head * size + 2 * j + p) * columns;
        result.set(values.subarray(from, from + columns), (head * size + p * (size / 2) + j) * columns);
      }
    }
  }
  return result;
}

/** Slow and obvious: truncation for bf16, the nearest half found by its own rule for f16. */
export function encodeFloats(values: Float32Array, dtype: FloatType): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(Float32Array.from(values).buffer);
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  const encode = dtype === 'BF16' ? (word: number): number => word >>> 16 : halfBits;
  return new Uint8Array(Uint16Array.from(bits, encode).buffer);
}

/** Float32 bits to float16 bits, rounding toward zero; values of tests are normal numbers or tiny. */
function halfBits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const exponent = ((word >>> 23) & 0xff) - 112;
  if (exponent <= 0) return sign;
  return sign | (exponent << 10) | ((word >>> 13) & 0x3ff);
}

export function safetensorsBytes(tensors: readonly StoredTensor[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.byteLength] };
    end += bytes.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, ...tensors.map(({ bytes }) => bytes)]);
}

export interface FolderOptions {
  layout: 'mistral' | 'huggingface';
  dtype: FloatType;
  config?: ModelConfig;
  /** Changes the tensors before they are stored. */
  change?: (tensors: StoredTensor[]) => StoredTensor[];
  /** Changes params.json or config.json. */
  changeConfig?: (json: Record<string, unknown>) => Record<string, unknown>;
}

/** Writes a whole tiny checkpoint; Hugging Face's in two shards with an index. */
export async function writeCheckpoint(folder: string, options: FolderOptions): Promise<string> {
  const { layout, dtype, config = tinyConfig, change = (same) => same, changeConfig = (same) => same } = options;
  await mkdir(folder, { recursive: true });
  const put = (name: string, content: string | Uint8Array): Promise<void> => writeFile(join(folder, name), content);
  const tensors = change(layoutTensors(config, { layout, dtype }));
  await put('tekken.json', JSON.stringify(tinyTekken(config.text.vocabularySize)));
  if (layout === 'mistral') {
    await put('params.json', JSON.stringify(changeConfig(paramsJson(config))));
    await put('consolidated.safetensors', safetensorsBytes(tensors));
    return folder;
  }
  await put('config.json', JSON.stringify(changeConfig(configJson(config))));
  const cut = Math.floor(tensors.length / 3);
  const shards = [tensors.slice(0, cut), tensors.slice(cut)];
  const weightMap: Record<string, string> = {};
  for (const [index, shard] of shards.entries()) {
    const file = `model-0000${index + 1}-of-00002.safetensors`;
    await put(file, safetensorsBytes(shard));
    for (const { name } of shard) weightMap[name] = file;
  }
  await put('model.safetensors.index.json', JSON.stringify({ metadata: {}, weight_map: weightMap }));
  return folder;
}

/** A folder for one test, removed after it. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-weights-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function putFile(folder: string, name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
