import assert from 'node:assert/strict';
import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readGguf } from '../../src/gguf/read.ts';
import { numberArray, optionalArray, optionalNumber, stringArray } from '../../src/gguf/values.ts';
import { readModelFiles } from '../../src/engine/runtime/model-files.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { readSafetensors } from '../../src/weights/safetensors.ts';
import { checkpointFolder, goldenCases } from '../helpers/checkpoints.ts';
import { convertedFolder, convertedPair } from '../helpers/converted.ts';
import { openGoldenModel } from '../helpers/golden-run.ts';
import { safetensorsBytes, tinyMergerConfig, withFolder, writeCheckpoint } from '../helpers/weights.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

type Json = Record<string, unknown>;

async function editJson(path: string, edit: (json: Json) => void): Promise<void> {
  const json = JSON.parse(await readFile(path, 'utf8')) as Json;
  edit(json);
  await writeFile(path, JSON.stringify(json));
}

/** What transformers' add_tokens and resize_token_embeddings leave: tokens and rows behind all others. */
async function fineTune(folder: string, { rows, added }: { rows: number; added: readonly Json[] }): Promise<void> {
  await cp(checkpointFolder('huggingface'), folder, { recursive: true });
  const shards = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
  const stored = [];
  for (const shard of shards) {
    const bytes = await readFile(join(folder, shard));
    for (const { name, dtype, shape, offset, byteLength } of (await readSafetensors(join(folder, shard))).values()) {
      const own = bytes.subarray(offset, offset + byteLength);
      const isResized = /embed_tokens|lm_head/.test(name);
      const more = isResized ? Buffer.alloc((rows - shape[0]!) * (byteLength / shape[0]!)) : Buffer.alloc(0);
      stored.push({
        name,
        dtype,
        shape: isResized ? [rows, ...shape.slice(1)] : shape,
        bytes: Buffer.concat([own, more]),
      });
    }
    await rm(join(folder, shard));
  }
  await rm(join(folder, 'model.safetensors.index.json'));
  await writeFile(join(folder, 'model.safetensors'), safetensorsBytes(stored));
  await editJson(join(folder, 'config.json'), (json) => ((json['text_config'] as Json)['vocab_size'] = rows));
  await editJson(join(folder, 'tokenizer.json'), (json) => (json['added_tokens'] as Json[]).push(...added));
}

const added = [
  { id: 512, content: '<|field|>', special: true },
  { id: 513, content: '<|note|>', special: false },
];

test('added tokens and a padded embedding are converted as llama.cpp does, and leave all other ids as they were', async () => {
  await withFolder(async (base) => {
    const folder = join(base, 'in');
    await fineTune(folder, { rows: 520, added });
    const tuned = await convertedFolder(folder, 'f32', native);
    const gguf = await readGguf(tuned.model);
    const tokens = stringArray(optionalArray(gguf, 'tokenizer.ggml.tokens')!);
    assert.deepEqual(tokens.slice(512), [
      '<|field|>',
      '<|note|>',
      ...[514, 515, 516, 517, 518, 519].map((id) => `[PAD${id}]`),
    ]);
    const types = numberArray(optionalArray(gguf, 'tokenizer.ggml.token_type')!);
    assert.deepEqual(types.slice(511), [1, 3, 4, 5, 5, 5, 5, 5, 5]);
    assert.equal(optionalNumber(gguf, 'llama.vocab_size'), 520);

    const { tekken } = await readModelFiles(tuned);
    assert.equal(tekken.vocabularySize, 520);
    assert.equal(tekken.decode([512, 513, 515]), '<|note|>');
    assert.equal(tekken.label(512), '<|field|>');
    assert.ok(!tekken.encode('<|field|><|note|>[PAD515]').some((id) => id >= 512), 'text stays text');

    const plain = await convertedPair('huggingface', 'f32', native);
    const models = [await openGoldenModel(native, tuned), await openGoldenModel(native, plain)] as const;
    const [golden] = goldenCases('mistral');
    const [ours, others] = [await models[0].run(golden!), await models[1].run(golden!)];
    assert.deepEqual(ours.ids, others.ids);
    assert.deepEqual(ours.logits.subarray(0, 512), others.logits);
    for (const model of models) model.close();
    await Promise.all([tuned.remove(), plain.remove()]);
  });
});

test('added tokens that are no names of their own, or a tokenizer of far fewer tokens, are model errors', async () => {
  const cases: readonly (readonly [rows: number, added: readonly Json[], message: RegExp])[] = [
    [520, [{ id: 512, content: '[IMG]', special: true }], /two control tokens are called "\[IMG\]"/],
    [520, [{ id: 512, content: 'a', special: true }], /token 512 is called "a", which is no name of its own/],
    [520, [{ id: 900_000, content: '<x>', special: true }], /leave a gap of over 1024/],
    [4096, [], /has 512 tokens, expected the model's 4096/],
    [513, added, /has 514 tokens, expected the model's 513/],
  ];
  for (const [rows, tokens, message] of cases) {
    await withFolder(async (base) => {
      const folder = join(base, 'in');
      await fineTune(folder, { rows, added: tokens });
      await assert.rejects(convertedFolder(folder, 'f32', native), { code: 'model', message });
    });
  }
});

test('a sliding window is refused in both layouts', async () => {
  await withFolder(async (base) => {
    const windowed = (json: Json): Json => ({ ...json, sliding_window: 4096 });
    const mistral = await writeCheckpoint(join(base, 'a'), {
      layout: 'mistral',
      dtype: 'BF16',
      changeConfig: windowed,
    });
    const hugging = await writeCheckpoint(join(base, 'b'), {
      layout: 'huggingface',
      dtype: 'BF16',
      changeConfig: (json) => ({ ...json, text_config: windowed(json['text_config'] as Json) }),
    });
    for (const folder of [mistral, hugging]) {
      await assert.rejects(convertedFolder(folder, 'f32', native), {
        code: 'model',
        message: /sliding_window is 4096/,
      });
    }
  });
});

test("the norm before the merger takes the text model's epsilon, the tower keeps its own", async () => {
  await withFolder(async (base) => {
    for (const [eps, expected] of [
      [1e-6, Math.fround(1e-6)],
      [1e-5, undefined],
    ] as const) {
      const folder = await writeCheckpoint(join(base, String(eps)), {
        layout: 'huggingface',
        dtype: 'BF16',
        config: tinyMergerConfig,
        changeConfig: (json) => ({ ...json, text_config: { ...(json['text_config'] as Json), rms_norm_eps: eps } }),
      });
      const pair = await convertedFolder(folder, 'f32', native);
      const mmproj = await readGguf(pair.mmproj);
      assert.equal(optionalNumber(mmproj, 'pixtral.projector_norm_epsilon'), expected);
      const { tower } = await readModelFiles(pair);
      assert.equal(tower.projectorNormEps, Math.fround(eps));
      assert.equal(tower.normEps, Math.fround(1e-5));
      await pair.remove();
    }
  });
});
