import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import { readGguf } from '../../src/gguf/read.ts';
import { optionalString } from '../../src/gguf/values.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { huggingFaceNames, oldestName } from '../../src/weights/huggingface.ts';
import { withLora } from '../../src/weights/lora.ts';
import { readSafetensors } from '../../src/weights/safetensors.ts';
import { type TinyCheckpoint, checkpointFolder } from '../helpers/checkpoints.ts';
import { plainOptions } from '../helpers/converted.ts';
import { type StoredTensor, safetensorsBytes, withFolder } from '../helpers/weights.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

const fixture = (path: string): string => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));
const golden = JSON.parse(await readFile(fixture('golden/lora.json'), 'utf8')) as Record<
  string,
  { checkpoint: TinyCheckpoint; sums: Record<string, string> }
>;

/** SHA-256 of each tensor of a pair, by GGUF name. */
async function sumsOf({ model, mmproj }: { model: string; mmproj: string }): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const path of [model, mmproj]) {
    const bytes = await readFile(path);
    for (const { name, offset, byteLength } of (await readGguf(path)).tensors.values()) {
      sums.set(
        name,
        createHash('sha256')
          .update(bytes.subarray(offset, offset + byteLength))
          .digest('hex'),
      );
    }
  }
  return sums;
}

/** transformers' name of a weight -> its GGUF name. */
function ggufName(theirs: string): string {
  const old = oldestName(theirs);
  const [pattern] = Object.entries(huggingFaceNames).find(([, hub]) => hub === old.replace(/layers\.\d+/, 'layers.N'))!;
  return pattern.replace('.N.', `.${/layers\.(\d+)/.exec(old)?.[1]}.`);
}

for (const [name, { checkpoint, sums }] of Object.entries(golden)) {
  test(`the adapter ${name} is merged as PEFT merges it, bit for bit, into both layouts`, async () => {
    const folders = checkpoint === 'huggingface' ? (['huggingface', 'mistral'] as const) : [checkpoint];
    await withFolder(async (out) => {
      for (const folder of folders) {
        const convert = (into: string, lora: string | undefined) =>
          convertCheckpoint(checkpointFolder(folder), { ...plainOptions('bf16', join(out, into)), native, lora });
        const plain = await sumsOf(await convert(`${folder}-plain`, undefined));
        const merged = await sumsOf(await convert(folder, fixture(`lora/${name}`)));
        const expected = new Map(Object.entries(sums).map(([theirs, sum]) => [ggufName(theirs), sum]));
        assert.ok(expected.size > 5);
        for (const [tensor, sum] of merged) {
          // The merger's projection is f32 in a pair of bf16.
          if (tensor === 'mm.patch_merger.weight') assert.notEqual(sum, plain.get(tensor));
          else assert.equal(sum, expected.get(tensor) ?? plain.get(tensor), `${folder}: ${tensor}`);
        }
      }
    });
  });
}

test('a merged pair says so, is checked, and is another than the plain one', async () => {
  await withFolder(async (out) => {
    const lora = fixture('lora/plain');
    const folder = checkpointFolder('huggingface');
    const one = await convertCheckpoint(folder, { ...plainOptions('q8_0', join(out, 'a')), native, lora, check: true });
    const other = await convertCheckpoint(folder, { ...plainOptions('q8_0', join(out, 'b')), native });
    assert.ok(one.checked);
    assert.match(one.notes.join(), /lora\/plain: merged into 19 tensors; trained on tiny\/huggingface/);
    const [merged, plain] = [await readGguf(one.model), await readGguf(other.model)];
    assert.equal(optionalString(merged, 'pixtral.lora'), 'plain');
    assert.equal(optionalString(plain, 'pixtral.lora'), undefined);
    assert.notEqual(optionalString(merged, 'pixtral.pair_id'), optionalString(plain, 'pixtral.pair_id'));
    const plainAgain = convertCheckpoint(folder, { ...plainOptions('q8_0', join(out, 'a')), native, check: true });
    await assert.rejects(plainAgain, { code: 'model', message: /differs from the checkpoint's/ });
  });
});

type Json = Record<string, unknown>;
interface Change {
  config?: Json;
  tensors?: (tensors: StoredTensor[]) => StoredTensor[];
}

async function changed(folder: string, { config = {}, tensors = (same) => same }: Change): Promise<string> {
  const adapter = join(folder, 'adapter');
  await mkdir(adapter);
  await cp(fixture('lora/plain'), adapter, { recursive: true });
  const path = join(adapter, 'adapter_config.json');
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as Json), ...config }));
  const weights = join(adapter, 'adapter_model.safetensors');
  const bytes = await readFile(weights);
  const stored = [...(await readSafetensors(weights)).values()].map(({ name, dtype, shape, offset, byteLength }) => ({
    name,
    dtype,
    shape,
    bytes: bytes.subarray(offset, offset + byteLength),
  }));
  await writeFile(weights, safetensorsBytes(tensors(stored)));
  return adapter;
}

const one = (name: string, shape: number[]): StoredTensor => ({
  name,
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(4 * shape.reduce((product, side) => product * side, 1)),
});
const module = 'base_model.model.model.language_model.layers.0.self_attn';

const refusals: readonly (readonly [what: string, change: Change, message: RegExp])[] = [
  ['DoRA', { config: { use_dora: true } }, /use_dora is true, expected a plain LoRA adapter/],
  ['another kind', { config: { peft_type: 'LOHA' } }, /peft_type is "LOHA"/],
  ['whole modules', { config: { modules_to_save: ['lm_head'] } }, /modules_to_save is \["lm_head"\]/],
  ['PiSSA', { config: { init_lora_weights: 'pissa_niter_16' } }, /init_lora_weights is "pissa_niter_16"/],
  ['biases', { config: { bias: 'all' } }, /bias is "all"/],
  ['QALoRA', { config: { use_qalora: true } }, /use_qalora is true/],
  ['an expression', { config: { alpha_pattern: { '(a+)+': 3 } } }, /alpha_pattern holds the expression \(a\+\)\+/],
  ['another rank', { config: { r: 3 } }, /is \[\d+, 2\] x \[2, \d+\], expected \[\d+, 3\] x \[3, \d+\]/],
  [
    'magnitudes',
    { tensors: (all) => [...all, one(`${module}.q_proj.lora_magnitude_vector`, [128])] },
    /lora_magnitude_vector is none of lora_A and lora_B/,
  ],
  [
    'half a pair',
    { tensors: (all) => [...all, one(`${module}.v_proj.lora_A.weight`, [2, 96])] },
    /v_proj has only one of lora_A and lora_B/,
  ],
  [
    "another model's layer",
    {
      tensors: (all) => [
        ...all,
        one('base_model.model.model.language_model.layers.7.mlp.up_proj.lora_A.weight', [2, 96]),
        one('base_model.model.model.language_model.layers.7.mlp.up_proj.lora_B.weight', [192, 2]),
      ],
    },
    /trained model\.language_model\.layers\.7\.mlp\.up_proj, which the model does not have/,
  ],
  [
    'the patch convolution',
    {
      tensors: (all) => [
        ...all,
        one('base_model.model.model.vision_tower.patch_conv.lora_A.weight', [2, 3, 16, 16]),
        one('base_model.model.model.vision_tower.patch_conv.lora_B.weight', [64, 2, 1, 1]),
      ],
    },
    /patch_conv is no linear layer/,
  ],
];
for (const [what, change, message] of refusals) {
  test(`an adapter of ${what} is refused by name, with the way to merge it`, async () => {
    await withFolder(async (folder) => {
      const checkpoint = await openCheckpoint(checkpointFolder('huggingface'));
      await assert.rejects(withLora(checkpoint, await changed(folder, change)), { code: 'model', message });
    });
  });
}

test('a folder that is no adapter is a model error', async () => {
  const checkpoint = await openCheckpoint(checkpointFolder('mistral'));
  await assert.rejects(withLora(checkpoint, checkpointFolder('mistral')), {
    code: 'model',
    message: /no adapter found/,
  });
  await assert.rejects(withLora(checkpoint, '/none'), {
    code: 'model',
    message: /\/none: .*expected the folder of an adapter/,
  });
});
