import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bool, f32, rawArray, text, u32 } from '../../../src/gguf/build.ts';
import type { GgufValue } from '../../../src/gguf/types.ts';
import { ggmlTypes } from '../../../src/gguf/types.ts';
import { readModelFiles } from '../../../src/engine/runtime/model-files.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';
import { type Rewriting, rewriteGguf } from '../../helpers/rewrite-gguf.ts';

// Each of these ends the process in llama.cpp or ggml, or is answered wrongly, when it gets that far. Only our own
// checks see them here.

type Retelling = Required<Rewriting>['retell'];

let pair: ConvertedPair;
before(async () => {
  pair = await convertedPair('mistral', 'f32');
});
after(() => pair.remove());

async function readRewritten(file: 'model' | 'mmproj', rewriting: Rewriting): Promise<unknown> {
  const copies = { model: join(pair.folder, 'copy.gguf'), mmproj: join(pair.folder, 'copy-mmproj.gguf') };
  await copyFile(pair.model, copies.model);
  await copyFile(pair.mmproj, copies.mmproj);
  await rewriteGguf(copies[file], rewriting);
  return readModelFiles(copies);
}

const set =
  (entries: Record<string, GgufValue>): Required<Rewriting>['change'] =>
  (keys) => {
    for (const [key, value] of Object.entries(entries)) keys.set(key, value);
  };

const badKeys: readonly (readonly [file: 'model' | 'mmproj', key: string, ...values: GgufValue[]])[] = [
  ['model', 'llama.block_count', u32(0), u32(4), u32(513), u32(5_000_000), u32(2 ** 32 - 1), f32(2)],
  ['model', 'llama.attention.head_count', u32(0), u32(3), f32(0.5), { type: 'i32', value: -4 }],
  ['model', 'llama.attention.head_count_kv', u32(0), u32(3), u32(8), f32(2)],
  ['model', 'llama.attention.key_length', u32(0), u32(31), u32(33)],
  ['model', 'llama.attention.value_length', u32(16), u32(64)],
  ['model', 'llama.rope.dimension_count', u32(0), u32(16), u32(64)],
  ['model', 'llama.rope.freq_base', f32(0), f32(Number.NaN), f32(Infinity), f32(-1), u32(10_000)],
  ['model', 'llama.rope.scaling.type', text('longrope'), text('x'), u32(1)],
  ['model', 'llama.rope.scaling.factor', f32(Number.NaN), f32(-1)],
  ['model', 'llama.attention.layer_norm_rms_epsilon', f32(-1), f32(Number.NaN), f32(Infinity), f32(0)],
  ['model', 'llama.embedding_length', u32(0), u32(95), u32(2 ** 31)],
  ['model', 'llama.feed_forward_length', u32(0), u32(1)],
  ['model', 'llama.context_length', u32(0), u32(2 ** 32 - 1), { type: 'u64', value: 2n ** 40n }],
  ['model', 'llama.vocab_size', u32(7)],
  ['model', 'llama.expert_count', u32(1), u32(8)],
  ['model', 'llama.expert_used_count', u32(2)],
  ['model', 'llama.nextn_predict_layers', u32(1)],
  ['model', 'llama.pooling_type', u32(3)],
  ['model', 'llama.attention.causal', bool(false)],
  ['model', 'llama.attention.sliding_window', u32(4096)],
  ['model', 'general.architecture', text('bert'), text('x'.repeat(60_000))],
  ['model', 'tokenizer.ggml.scores', rawArray('f32', 1, new Uint8Array(4))],
  ['model', 'tokenizer.ggml.token_type', rawArray('i32', 1, new Uint8Array(4)), rawArray('u8', 4, new Uint8Array(4))],
  ['model', 'tokenizer.ggml.merges', text('none'), rawArray('i32', 1, new Uint8Array(4))],
  ['model', 'tokenizer.ggml.eos_token_id', u32(2 ** 31), { type: 'i32', value: -1 }],
  ['mmproj', 'clip.vision.block_count', u32(0), u32(9), u32(9_000_000)],
  ['mmproj', 'clip.vision.attention.head_count', u32(0), u32(5), f32(0.5), u32(32)],
  ['mmproj', 'clip.vision.spatial_merge_size', u32(0), u32(2), u32(400), f32(0.5)],
  ['mmproj', 'clip.vision.patch_size', u32(0), u32(4), f32(16.5)],
  ['mmproj', 'clip.vision.image_size', u32(0), u32(1), u32(2 ** 31)],
  ['mmproj', 'clip.vision.attention.layer_norm_epsilon', f32(Number.NaN), f32(-1), f32(0)],
  ['mmproj', 'clip.rope.freq_base', f32(0), f32(Number.NaN), f32(Infinity)],
  ['mmproj', 'clip.vision.projection_dim', u32(0), u32(95)],
];

for (const [file, key, ...values] of badKeys) {
  test(`${key} that no model can have is a model error before llama.cpp is asked`, async () => {
    for (const value of values) {
      const reading = readRewritten(file, { change: set({ [key]: value }) });
      await assert.rejects(reading, { name: 'PixtralError', code: 'model' }, JSON.stringify(value, bigText));
    }
  });
}

const bigText = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

const typeId = (name: string): number => [...ggmlTypes.values()].find((type) => type.name === name)!.id;

const badTypes: readonly (readonly [file: 'model' | 'mmproj', tensor: string, types: readonly string[]])[] = [
  ['model', 'blk.1.ffn_up.weight', ['i8', 'i16', 'i32', 'i64', 'f64', 'q8_1']],
  ['model', 'token_embd.weight', ['i8', 'i32', 'q8_1', 'f64']],
  ['model', 'output.weight', ['i16', 'q8_1']],
  ['model', 'output_norm.weight', ['f16', 'bf16', 'i32', 'q8_0']],
  ['model', 'blk.0.attn_norm.weight', ['f16', 'f64']],
  ['mmproj', 'v.blk.0.attn_q.weight', ['i8', 'i32', 'q8_1']],
  ['mmproj', 'v.patch_embd.weight', ['i8', 'f64']],
  ['mmproj', 'v.pre_ln.weight', ['f16', 'q8_0']],
  ['mmproj', 'mm.1.bias', ['f16', 'bf16', 'q8_0', 'i32']],
  ['mmproj', 'v.token_embd.img_break', ['f16']],
];

for (const [file, tensor, types] of badTypes) {
  test(`${tensor} of a type that nothing computes with is a model error before llama.cpp is asked`, async () => {
    for (const type of types) {
      const retell: Retelling = (spec) => (spec.name === tensor ? { ...spec, type: typeId(type) } : spec);
      await assert.rejects(readRewritten(file, { retell }), { code: 'model', message: new RegExp(`is ${type}, exp`) });
    }
  });
}

test('a tensor that is missing, has another shape, or that no Pixtral has is a model error', async () => {
  for (const file of ['model', 'mmproj'] as const) {
    const first = file === 'model' ? 'blk.0.attn_k.weight' : 'v.blk.0.attn_k.weight';
    const named =
      (change: (dims: number[]) => number[], name = first): Retelling =>
      (spec) =>
        spec.name === first ? { ...spec, name, dims: change(spec.dims) } : spec;
    const same = (dims: number[]): number[] => dims;
    const cases: Rewriting[] = [
      { keep: (name) => name !== first },
      { retell: named((dims) => dims.toReversed().map((side, axis) => side + axis)) },
      { retell: named((dims) => [...dims, 2]) },
      { retell: named(same, 'blk.77.attn_k.weight') },
      { retell: named(same, first.replace('weight', 'bias')) },
    ];
    for (const rewriting of cases) await assert.rejects(readRewritten(file, rewriting), { code: 'model' });
  }
});

test('as many tokens as rows of the embedding, no more and no fewer', async () => {
  const retell: Retelling = (spec) =>
    /^(token_embd|output)\.weight/.test(spec.name) ? { ...spec, dims: [spec.dims[0]!, spec.dims[1]! + 8] } : spec;
  const change = (keys: Map<string, GgufValue>): void => void keys.delete('llama.vocab_size');
  await assert.rejects(readRewritten('model', { retell, change }), {
    code: 'model',
    message: /512 ids, the weights 520/,
  });
});

test('a pair that says nothing unusual is read', async () => {
  await readRewritten('model', {
    change: set({ 'llama.expert_count': u32(0), 'llama.rope.scaling.type': text('none') }),
  });
  await readRewritten('mmproj', { keep: (name) => name !== 'v.token_embd.img_break' });
});
