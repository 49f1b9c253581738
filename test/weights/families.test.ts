import assert from 'node:assert/strict';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { huggingFaceConfig } from '../../src/weights/huggingface.ts';
import { mistralConfig } from '../../src/weights/mistral.ts';
import { readSafetensors } from '../../src/weights/safetensors.ts';
import type { TextConfig } from '../../src/weights/types.ts';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import {
  type StoredTensor,
  configJson,
  paramsJson,
  safetensorsBytes,
  tinyMergerConfig,
  withFolder,
  writeCheckpoint,
} from '../helpers/weights.ts';

type Json = Record<string, unknown>;
const imageTokens = { imageTokenId: 10, imageBreakTokenId: 12, imageEndTokenId: 13 };

function fromParams(change: Json): TextConfig {
  return mistralConfig({ where: 'params.json', fields: { ...paramsJson(tinyMergerConfig), ...change } }, imageTokens)
    .text;
}

function fromConfig(change: { text?: Json; vision?: Json; whole?: Json }): TextConfig {
  const { text_config: text, vision_config: vision, ...whole } = configJson(tinyMergerConfig);
  const fields = {
    ...whole,
    ...change.whole,
    text_config: { ...(text as Json), ...change.text },
    vision_config: { ...(vision as Json), ...change.vision },
  };
  return huggingFaceConfig({ where: 'config.json', fields }, { imageTokens, hasOutput: true }).text;
}

const vision = (change: Json): Json => ({
  vision_encoder: { ...(paramsJson(tinyMergerConfig)['vision_encoder'] as Json), ...change },
});

const relatives: readonly (readonly [name: string, read: () => unknown, message: RegExp])[] = [
  [
    'experts',
    () => fromParams({ moe: { num_experts: 128 } }),
    /Mistral Small 4 or Mistral Large 3: a mixture of experts/,
  ],
  ['experts', () => fromConfig({ text: { model_type: 'mistral4' } }), /Mistral Small 4 or Mistral Large 3/],
  ['latent attention', () => fromParams({ kv_lora_rank: 256, q_lora_rank: 1024 }), /latent attention \(MLA\)/],
  [
    'a large vocabulary',
    () => fromParams({ vocab_size: 204_800 }),
    /Mistral Large 4: its vocabulary of 204,800 tokens/,
  ],
  ['a large vocabulary', () => fromConfig({ text: { vocab_size: 204_800 } }), /Mistral Large 4/],
  [
    'a tower of 48 layers',
    () => fromParams(vision({ num_hidden_layers: 48 })),
    /Mistral Medium 3\.5: its tower of 48 layers/,
  ],
  ['a tower of 48 layers', () => fromConfig({ vision: { num_hidden_layers: 48 } }), /Mistral Medium 3\.5/],
  [
    'Pixtral-Large',
    () => fromParams({ vocab_size: 32_768, ...vision({ num_hidden_layers: 40 }) }),
    /Pixtral-Large: its SentencePiece tokenizer \(32,768 tokens\) is out of scope/,
  ],
  [
    'Pixtral-Large',
    () => fromConfig({ text: { vocab_size: 32_768 }, vision: { num_hidden_layers: 40 } }),
    /Pixtral-Large: its SentencePiece tokenizer/,
  ],
  ['LightOnOCR', () => fromConfig({ text: { model_type: 'qwen3' } }), /LightOnOCR: its text model is Qwen3/],
  [
    'another text',
    () => fromConfig({ text: { model_type: 'llama' } }),
    /model_type is llama, expected mistral or ministral3/,
  ],
  [
    'another whole',
    () => fromConfig({ whole: { model_type: 'gemma3' } }),
    /model_type is gemma3, expected llava or mistral3/,
  ],
  [
    'two original contexts',
    () =>
      fromParams({
        yarn: { factor: 4, original_max_position_embeddings: 64 },
        llama_4_scaling: { beta: 0.1, original_max_position_embeddings: 32 },
      }),
    /YaRN is of 64 tokens and llama_4_scaling of 32, expected the same/,
  ],
  [
    'another format of weights',
    () => fromParams({ quantization: { qformat_weight: 'nvfp4' } }),
    /quantization: the weights are quantised as nvfp4, expected F32, F16, BF16 or FP8/,
  ],
  [
    'another method',
    () => fromConfig({ whole: { quantization_config: { quant_method: 'awq', bits: 4 } } }),
    /quantization_config: the weights are quantised as awq, expected F32, F16, BF16 or FP8/,
  ],
  [
    'a method of the text model alone',
    () => fromConfig({ text: { quantization_config: { quant_method: 'gptq', bits: 4 } } }),
    /text_config: quantization_config: the weights are quantised as gptq, expected F32, F16, BF16 or FP8/,
  ],
  [
    'a format of a method',
    () =>
      fromConfig({
        whole: { quantization_config: { quant_method: 'compressed-tensors', format: 'float-quantized' } },
      }),
    /the weights are quantised as compressed-tensors, float-quantized, expected/,
  ],
  [
    'the same in the other layout',
    () => fromParams({ quantization: { quant_method: 'compressed-tensors', format: 'nvfp4-pack-quantized' } }),
    /the weights are quantised as compressed-tensors, nvfp4-pack-quantized, expected/,
  ],
  [
    'no truncation',
    () =>
      fromConfig({
        text: { model_type: 'ministral3', rope_parameters: { rope_type: 'yarn', factor: 2, truncate: false } },
      }),
    /truncate is false/,
  ],
  ['another rope', () => fromConfig({ text: { rope_parameters: { rope_type: 'llama3' } } }), /rope_type is "llama3"/],
  [
    'a temperature that its class does not read',
    () => fromConfig({ text: { rope_parameters: { llama_4_scaling_beta: 0.1 } } }),
    /llama_4_scaling_beta is 0\.1/,
  ],
  ['a window', () => fromParams({ sliding_window: [null, 4096] }), /sliding_window is an array/],
];
for (const [name, read, message] of relatives) {
  test(`${name}: refused by name, ${message.source.slice(0, 30)}`, () => {
    assert.throws(read, { code: 'model', message });
  });
}

test('a text_config without a sliding window is taken as transformers takes it', () => {
  const { text_config: text, ...whole } = configJson(tinyMergerConfig);
  const { sliding_window: _window, ...rest } = text as Json;
  const read = (fields: Json) =>
    huggingFaceConfig(
      { where: 'config.json', fields: { ...whole, text_config: fields } },
      { imageTokens, hasOutput: true },
    );
  assert.throws(() => read(rest), {
    code: 'model',
    message: /lacks sliding_window, which transformers takes for 4096/,
  });
  read({ ...rest, model_type: 'ministral3' });
});

test('null and lists of nulls are no window, and null is no latent attention', () => {
  for (const window of [null, [null, null], []]) fromParams({ sliding_window: window, kv_lora_rank: null });
});

test('the context is stretched as each layout says, in one form', () => {
  const yarn = { factor: 16, original_max_position_embeddings: 64, beta: 32, alpha: 1, apply_scale: false };
  const scaling = { original_max_position_embeddings: 64, beta: 0.1 };
  const rope = {
    rope_type: 'yarn',
    factor: 16,
    original_max_position_embeddings: 64,
    mscale: 1,
    mscale_all_dim: 1,
    rope_theta: 1e6,
    llama_4_scaling_beta: 0.1,
  };
  const ministral = (change: Json) =>
    fromConfig({ text: { model_type: 'ministral3', rope_parameters: { ...rope, ...change } } });
  const expected = { factor: 16, originalContext: 64, betaFast: 32, betaSlow: 1, attentionFactor: 1 };
  assert.deepEqual(fromParams({ yarn, llama_4_scaling: scaling }).yarn, expected);
  assert.deepEqual(ministral({}).yarn, expected);
  assert.deepEqual(ministral({}).temperature, { beta: 0.1, originalContext: 64 });
  const usual = 0.1 * Math.log(16) + 1;
  assert.equal(fromParams({ yarn: { ...yarn, apply_scale: true } }).yarn?.attentionFactor, usual);
  assert.equal(ministral({ mscale: null }).yarn?.attentionFactor, usual);
  assert.equal(ministral({ attention_factor: 1.25 }).yarn?.attentionFactor, 1.25);
  assert.equal(ministral({ mscale: 2 }).yarn?.attentionFactor, (0.2 * Math.log(16) + 1) / usual);
  assert.equal(ministral({ llama_4_scaling_beta: 0 }).temperature, undefined);
  assert.equal(fromParams({}).yarn, undefined);
});

test('what a config of Ministral 3 leaves out takes the defaults of its class', () => {
  const whole = { ...configJson(tinyMergerConfig), text_config: { model_type: 'ministral3' } };
  const { text } = huggingFaceConfig({ where: 'config.json', fields: whole }, { imageTokens, hasOutput: true });
  assert.deepEqual(text, {
    dim: 4096,
    layers: 34,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    hiddenDim: 14_336,
    ropeTheta: 1e6,
    normEps: 1e-5,
    vocabularySize: 131_072,
    contextLength: 262_144,
    tiedEmbeddings: false,
    yarn: { factor: 16, originalContext: 16_384, betaFast: 32, betaSlow: 1, attentionFactor: 1 },
    temperature: { beta: 0.1, originalContext: 16_384 },
  });
});

test('a folder of both layouts names its family, and the scales of its weights are read', async () => {
  const checkpoint = await openCheckpoint(checkpointFolder('ministral-3'));
  assert.deepEqual([checkpoint.family, checkpoint.layout], ['Ministral 3', 'mistral']);
  const { dtype, scales } = checkpoint.tensors.get('blk.0.attn_q.weight')!;
  assert.equal(dtype, 'F8_E4M3');
  assert.equal(scales?.values.length, 1);
  assert.equal((await openCheckpoint(checkpointFolder('merger'))).family, 'Mistral Small 3');
  assert.equal((await openCheckpoint(checkpointFolder('huggingface'))).family, 'Pixtral');
});

const eights = (tensors: StoredTensor[], { scale }: { scale: StoredTensor | undefined }): StoredTensor[] =>
  tensors
    .map((tensor) =>
      tensor.name === 'layers.0.attention.wv.weight'
        ? {
            ...tensor,
            dtype: 'F8_E4M3',
            bytes: new Uint8Array(tensor.shape.reduce((product, side) => product * side, 1)),
          }
        : tensor,
    )
    .concat(scale ? [scale] : []);
const scaleOf = (dtype: string, shape: number[], bytes: Uint8Array): StoredTensor => ({
  name: 'layers.0.attention.wv.qscale_weight',
  dtype,
  shape,
  bytes,
});
const faults: readonly (readonly [what: string, scale: StoredTensor | undefined, message: RegExp])[] = [
  ['no scale', undefined, /wv\.weight: is F8_E4M3 without its scale/],
  ['a scale of whole numbers', scaleOf('I32', [], new Uint8Array(4)), /is I32, expected scales of F32, BF16 or F16/],
  [
    'scales that do not fit',
    scaleOf('F32', [5], new Uint8Array(20)),
    /is \[5\], expected one scale, or one for each row/,
  ],
  ['a scale of no number', scaleOf('F32', [], new Uint8Array(Float32Array.of(NaN).buffer)), /holds a scale below zero/],
];
for (const [what, scale, message] of faults) {
  test(`weights of 8 bits with ${what} are refused by name`, async () => {
    await withFolder(async (folder) => {
      const change = (tensors: StoredTensor[]): StoredTensor[] => eights(tensors, { scale });
      await assert.rejects(
        writeCheckpoint(folder, { layout: 'mistral', dtype: 'BF16', change }).then(() => openCheckpoint(folder)),
        {
          code: 'model',
          message,
        },
      );
    });
  });
}

test('a folder with a SentencePiece tokenizer is refused by that name', async () => {
  await withFolder(async (folder) => {
    await writeCheckpoint(folder, { layout: 'mistral', dtype: 'BF16' });
    await rename(join(folder, 'tekken.json'), join(folder, 'tokenizer.model.v7m1'));
    await assert.rejects(openCheckpoint(folder), {
      code: 'model',
      message: /its tokenizer is SentencePiece, which is out of scope/,
      hint: /Pixtral-Large/,
    });
  });
});

test('consolidated weights in several files are one checkpoint', async () => {
  await withFolder(async (folder) => {
    for (const file of ['params.json', 'tekken.json']) {
      await copyFile(join(checkpointFolder('ministral-3-base'), file), join(folder, file));
    }
    const whole = await openCheckpoint(checkpointFolder('ministral-3-base'));
    await splitShards(folder);
    const split = await openCheckpoint(folder);
    assert.deepEqual([...split.tensors.keys()], [...whole.tensors.keys()]);
    assert.equal(new Set([...split.tensors.values()].map(({ path }) => path)).size, 2);
    await writeFile(join(folder, 'consolidated-00001-of-00002.safetensors'), '');
    await assert.rejects(openCheckpoint(folder), { code: 'model' });
  });
});

async function splitShards(folder: string): Promise<void> {
  const path = join(checkpointFolder('ministral-3-base'), 'consolidated.safetensors');
  const bytes = await readFile(path);
  const tensors = [...(await readSafetensors(path)).values()].map(({ name, dtype, shape, offset, byteLength }) => ({
    name,
    dtype,
    shape,
    bytes: bytes.subarray(offset, offset + byteLength),
  }));
  const half = Math.ceil(tensors.length / 2);
  for (const [index, part] of [tensors.slice(0, half), tensors.slice(half)].entries()) {
    await writeFile(join(folder, `consolidated-0000${index + 1}-of-00002.safetensors`), safetensorsBytes(part));
  }
}
