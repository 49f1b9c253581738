import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { canonicalTensors } from '../../src/weights/canonical.ts';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { huggingFaceConfig } from '../../src/weights/huggingface.ts';
import { mistralConfig, mistralImageTokens } from '../../src/weights/mistral.ts';
import type { Checkpoint } from '../../src/weights/types.ts';
import {
  type FolderOptions,
  configJson,
  paramsJson,
  safetensorsBytes,
  tinyConfig,
  tinyMergerConfig,
  tinyTekken,
  withFolder,
  writeCheckpoint,
} from '../helpers/weights.ts';

const layouts = ['mistral', 'huggingface'] as const;

function opened(options: FolderOptions): Promise<Checkpoint> {
  return withFolder(async (folder) => openCheckpoint(await writeCheckpoint(folder, options)));
}

for (const layout of layouts) {
  test(`${layout}: config and all tensors are found, in the order of the canonical table`, async () => {
    const checkpoint = await opened({ layout, dtype: 'BF16' });
    assert.equal(checkpoint.layout, layout);
    assert.deepEqual(checkpoint.config, tinyConfig);
    assert.deepEqual(
      [...checkpoint.tensors.keys()],
      [...canonicalTensors(tinyConfig).map(({ gguf }) => gguf), 'v.token_embd.img_break'],
    );
  });

  test(`${layout}: the patch merger of Mistral Small 3.1 is found, without biases`, async () => {
    const checkpoint = await opened({ layout, dtype: 'BF16', config: tinyMergerConfig });
    assert.deepEqual(checkpoint.config, tinyMergerConfig);
    assert.deepEqual(checkpoint.tensors.get('mm.patch_merger.weight')?.shape, [64, 256]);
    assert.equal(checkpoint.tensors.has('mm.1.bias'), false);
  });
}

test('the [IMG_BREAK] row is a slice of the embeddings', async () => {
  const { tensors } = await opened({ layout: 'mistral', dtype: 'BF16' });
  const [embeddings, row] = [tensors.get('token_embd.weight'), tensors.get('v.token_embd.img_break')];
  assert.deepEqual(row, {
    ...embeddings,
    shape: [96],
    offset: (embeddings?.offset ?? 0) + 12 * 96 * 2,
    byteLength: 192,
  });
});

test('only q and k of the Hugging Face layout are permuted, each over its own heads', async () => {
  const permuted = async (layout: 'mistral' | 'huggingface'): Promise<string[]> => {
    const { tensors } = await opened({ layout, dtype: 'F32' });
    return [...tensors].flatMap(([name, { permuteHeads }]) => (permuteHeads ? [`${name} ${permuteHeads}`] : []));
  };
  assert.deepEqual(await permuted('mistral'), []);
  assert.deepEqual(await permuted('huggingface'), [
    ...[0, 1].flatMap((layer) => [`blk.${layer}.attn_q.weight 4`, `blk.${layer}.attn_k.weight 2`]),
    ...[0, 1, 2].flatMap((layer) => [`v.blk.${layer}.attn_q.weight 2`, `v.blk.${layer}.attn_k.weight 2`]),
  ]);
});

test("newer transformers' prefixes name the same tensors", async () => {
  const newer = (name: string): string =>
    name
      .replace('language_model.lm_head.', 'lm_head.')
      .replace('language_model.model.', 'model.language_model.')
      .replace(/^(vision_tower|multi_modal_projector)\./, 'model.$1.');
  const change: FolderOptions['change'] = (tensors) =>
    tensors.map(({ name, ...rest }) => ({ name: newer(name), ...rest }));
  const [old, renamed] = await Promise.all([
    opened({ layout: 'huggingface', dtype: 'F16' }),
    opened({ layout: 'huggingface', dtype: 'F16', change }),
  ]);
  assert.deepEqual([...renamed.tensors.keys()], [...old.tensors.keys()]);
  assert.equal(renamed.tensors.get('output.weight')?.name, 'lm_head.weight');
});

test("transformers 5's rope_parameters are read, and gelu in the tower is taken for the known mistake", async () => {
  const checkpoint = await opened({
    layout: 'huggingface',
    dtype: 'F16',
    changeConfig: ({ text_config: text, vision_config: vision, ...rest }) => ({
      ...rest,
      text_config: {
        ...(text as object),
        rope_theta: undefined,
        rope_parameters: { rope_type: 'default', rope_theta: 5e5 },
      },
      vision_config: { ...(vision as object), hidden_act: 'gelu' },
    }),
  });
  assert.equal(checkpoint.config.text.ropeTheta, 500_000);
  assert.deepEqual(checkpoint.notes, ['config.json names GELU for the vision tower, a known mistake: SiLU is used']);
});

test("a folder with both layouts is read in Mistral's, and says so", async () => {
  await withFolder(async (folder) => {
    await writeCheckpoint(folder, { layout: 'huggingface', dtype: 'BF16' });
    await writeCheckpoint(folder, { layout: 'mistral', dtype: 'BF16' });
    const { layout, notes } = await openCheckpoint(folder);
    assert.equal(layout, 'mistral');
    assert.deepEqual(notes, ["the folder holds both layouts: Mistral's own is used"]);
  });
});

test('an image token of -1 is looked up in tekken.json', async () => {
  await withFolder(async (folder) => {
    await writeCheckpoint(folder, {
      layout: 'mistral',
      dtype: 'BF16',
      changeConfig: (json) => ({
        ...json,
        vision_encoder: { ...(json['vision_encoder'] as object), image_break_token_id: -1 },
      }),
    });
    const names = ['<unk>', '[IMG_BREAK]'].map((token, rank) => ({ rank, token_str: token, is_control: true }));
    await writeFile(join(folder, 'tekken.json'), JSON.stringify({ ...tinyTekken(300), special_tokens: names }));
    const { vision } = (await openCheckpoint(folder)).config;
    assert.deepEqual([vision.imageTokenId, vision.imageBreakTokenId, vision.imageEndTokenId], [10, 1, 13]);
  });
});

const changes: readonly (readonly [what: string, change: NonNullable<FolderOptions['change']>, message: RegExp])[] = [
  ['a missing tensor', (tensors) => tensors.slice(1), /lacks tensor \S*embed\S* \[300, 96\]/],
  [
    'a wrong shape',
    ([first, ...rest]) => [...(first ? [{ ...first, shape: [96, 300] }] : []), ...rest],
    /tensor \S*embed\S*: is \[96, 300\], expected \[300, 96\]/,
  ],
  [
    'a type of no use',
    ([first, ...rest]) => [...(first ? [{ ...first, dtype: 'I16' }] : []), ...rest],
    /tensor \S*embed\S*: is I16, expected BF16, F16, F32 or F8_E4M3/,
  ],
  [
    'a tensor that no Pixtral has',
    (tensors) => [...tensors, { name: 'more.weight', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }],
    /1 tensors that no Pixtral has: more\.weight/,
  ],
];
for (const layout of layouts) {
  for (const [what, change, message] of changes) {
    test(`${layout}: ${what} is refused by name`, async () => {
      await assert.rejects(opened({ layout, dtype: 'BF16', change }), { code: 'model', message });
    });
  }
}

test('rotary buffers of old exports are ignored', async () => {
  const extra = { name: 'language_model.model.layers.0.self_attn.rotary_emb.inv_freq', dtype: 'F32', shape: [1] };
  await opened({
    layout: 'huggingface',
    dtype: 'BF16',
    change: (tensors) => [...tensors, { ...extra, bytes: new Uint8Array(4) }],
  });
});

async function withIndex(weightMap: Record<string, unknown>): Promise<unknown> {
  return withFolder(async (folder) => {
    await writeCheckpoint(folder, { layout: 'huggingface', dtype: 'BF16' });
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    return openCheckpoint(folder);
  });
}

for (const path of [
  '../secret.safetensors',
  '/etc/passwd',
  'a/b.safetensors',
  '..\\x.safetensors',
  '.safetensors',
  7,
]) {
  test(`an index that points to ${path} is refused`, async () => {
    await assert.rejects(withIndex({ a: path }), { code: 'model', message: /expected the name of a safetensors file/ });
  });
}

test('an index that names a missing shard or places a tensor wrongly is refused', async () => {
  await assert.rejects(withIndex({ a: 'model-9.safetensors' }), {
    code: 'model',
    message: /lacks model-9\.safetensors, which model\.safetensors\.index\.json lists$/,
  });
  await assert.rejects(withIndex({ a: 'model-00001-of-00002.safetensors' }), {
    code: 'model',
    message: /lacks tensor a, which the index places there/,
  });
});

test('a missing shard is noticed without an index too', async () => {
  await withFolder(async (folder) => {
    await writeCheckpoint(folder, { layout: 'huggingface', dtype: 'BF16' });
    await rm(join(folder, 'model.safetensors.index.json'));
    await openCheckpoint(folder);
    await rm(join(folder, 'model-00001-of-00002.safetensors'));
    await assert.rejects(openCheckpoint(folder), { code: 'model', message: /has 1 weight files, expected 2/ });
  });
});

test('a tensor that stands in two shards is refused', async () => {
  await withFolder(async (folder) => {
    await writeCheckpoint(folder, { layout: 'huggingface', dtype: 'BF16' });
    const again = { name: 'language_model.model.norm.weight', dtype: 'BF16', shape: [96], bytes: new Uint8Array(192) };
    await writeFile(join(folder, 'model-00001-of-00002.safetensors'), safetensorsBytes([again]));
    await assert.rejects(openCheckpoint(folder), { code: 'model', message: /norm\.weight stands in \S+ too/ });
  });
});

test('a folder without weights, a missing folder and one without a tokenizer are model errors', async () => {
  await withFolder(async (folder) => {
    await assert.rejects(openCheckpoint(folder), { code: 'model', message: /no checkpoint found/ });
    await assert.rejects(openCheckpoint(join(folder, 'none')), { code: 'model', message: /no such folder/ });
    await writeCheckpoint(folder, { layout: 'mistral', dtype: 'BF16' });
    await rm(join(folder, 'tekken.json'));
    await assert.rejects(openCheckpoint(folder), { code: 'model', message: /no tokenizer found/ });
  });
});

const imageTokens = { imageTokenId: 10, imageBreakTokenId: 12, imageEndTokenId: 13 };

test('what the pair cannot express is refused', () => {
  const params = { ...paramsJson(tinyConfig), moe: { num_experts: 8 } };
  assert.throws(() => mistralConfig({ where: 'params.json', fields: params }, imageTokens), {
    code: 'model',
    message: /params\.json: this is Mistral Small 4 or Mistral Large 3: a mixture of experts \(moe\) is out of scope/,
  });
  const config = { ...configJson(tinyConfig), vision_feature_layer: -2 };
  assert.throws(() => huggingFaceConfig({ where: 'config.json', fields: config }, { imageTokens, hasOutput: true }), {
    code: 'model',
    message: /vision_feature_layer is not -1/,
  });
});

test('a config with any field changed is read or refused with PixtralError', () => {
  const fields = (json: Record<string, unknown>): string[][] =>
    Object.entries(json).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null
        ? [[key], ...Object.keys(value).map((inner) => [key, inner])]
        : [[key]],
    );
  const cases = [
    {
      json: paramsJson(tinyConfig),
      read: (changed: Record<string, unknown>): void => {
        const params = { where: 'params.json', fields: changed };
        mistralImageTokens(params);
        mistralConfig(params, imageTokens);
      },
    },
    {
      json: configJson(tinyConfig),
      read: (changed: Record<string, unknown>): void => {
        huggingFaceConfig({ where: 'config.json', fields: changed }, { imageTokens, hasOutput: true });
      },
    },
  ];
  for (const { json, read } of cases) {
    fc.assert(
      fc.property(fc.constantFrom(...fields(json)), fc.jsonValue(), (path, value) => {
        try {
          read(changed(json, path, value));
        } catch (thrown) {
          assert.ok(thrown instanceof PixtralError, String(thrown));
        }
      }),
      { numRuns: 3_000 },
    );
  }
});

function changed(json: Record<string, unknown>, [key = '', inner]: string[], value: unknown): Record<string, unknown> {
  return { ...json, [key]: inner === undefined ? value : { ...(json[key] as object), [inner]: value } };
}

test('a config with a key that stands twice, or that is thousands of levels deep, is a model error', async () => {
  const faults: readonly (readonly [change: (text: string) => string, message: RegExp])[] = [
    [(text) => text.replace('{', '{"dim":7,'), /params\.json: the key dim stands twice/],
    [(text) => text.replace('{', '{"\\u0064im":7,'), /params\.json: the key dim stands twice/],
    [(text) => text.replace('"hidden_size"', '"patch_size":1,"hidden_size"'), /the key patch_size stands twice/],
    [(text) => text.replace('{', `{"deep":${'['.repeat(9000)}${']'.repeat(9000)},`), /nested over 64 levels deep/],
    [(text) => text.replace('{', `{"deep":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)},`), /nested over 64 levels deep/],
  ];
  for (const [change, message] of faults) {
    await withFolder(async (folder) => {
      await writeCheckpoint(folder, { layout: 'mistral', dtype: 'BF16' });
      const path = join(folder, 'params.json');
      await writeFile(path, change(await readFile(path, 'utf8')));
      await assert.rejects(openCheckpoint(folder), { code: 'model', message });
    });
  }
});
