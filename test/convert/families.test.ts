import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { convertSlice } from '../../src/convert/rows.ts';
import { typeId } from '../../src/convert/types.ts';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import { readGguf } from '../../src/gguf/read.ts';
import type { Gguf } from '../../src/gguf/types.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { readScales } from '../../src/weights/scales.ts';
import { huggingFaceNames } from '../../src/weights/huggingface.ts';
import { checkpointFolder, float8Cases, float8Sums } from '../helpers/checkpoints.ts';
import { convertedPair, plainOptions } from '../helpers/converted.ts';
import { withFolder } from '../helpers/weights.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

const relatives = ['ministral-3', 'ministral-3-base'] as const;
const layoutFiles = {
  mistral: ['params.json', 'consolidated.safetensors', 'tekken.json'],
  huggingface: ['config.json', 'model.safetensors', 'tekken.json'],
};

/** One of the two layouts that a folder of the Hub holds, alone. */
async function oneLayout(
  folder: string,
  { name, layout }: { name: (typeof relatives)[number]; layout: keyof typeof layoutFiles },
): Promise<string> {
  const alone = join(folder, layout, name);
  await mkdir(alone, { recursive: true });
  for (const file of layoutFiles[layout]) await copyFile(join(checkpointFolder(name), file), join(alone, file));
  return alone;
}

function tensorBytes(gguf: Gguf, bytes: Buffer, name: string): Buffer {
  const { offset, byteLength } = gguf.tensors.get(name)!;
  return bytes.subarray(offset, offset + byteLength);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

for (const name of relatives) {
  for (const type of ['f32', 'bf16', 'q8_0', 'q4_k_m'] as const) {
    test(`both layouts of ${name} convert to the same ${type} pair`, async () => {
      await withFolder(async (folder) => {
        const pairs = await Promise.all(
          (['mistral', 'huggingface'] as const).map(async (layout) => {
            const from = await oneLayout(folder, { name, layout });
            return convertCheckpoint(from, {
              ...plainOptions(type, join(folder, `${layout}-out`)),
              native,
              check: true,
            });
          }),
        );
        const files = (at: 'model' | 'mmproj') => Promise.all(pairs.map((pair) => readFile(pair[at])));
        for (const [one, other] of [await files('model'), await files('mmproj')]) assert.ok(one!.equals(other!));
      });
    });
  }
}

test("weights of 8 bits become transformers' own products, bit for bit", async (t) => {
  const pair = await convertedPair('ministral-3', 'f32', native);
  t.after(() => pair.remove());
  const gguf = await readGguf(pair.model);
  const bytes = await readFile(pair.model);
  const sums = Object.entries(float8Sums());
  assert.equal(sums.length, 14);
  for (const [theirs, sum] of sums) {
    const [pattern] = Object.entries(huggingFaceNames).find(([, hub]) =>
      hub.endsWith(theirs.replace(/^layers\.\d+/, 'layers.N')),
    )!;
    const ours = pattern.replace('.N.', `.${theirs.split('.')[1]}.`);
    assert.equal(sha256(tensorBytes(gguf, bytes, ours)), sum, ours);
  }
});

/** All numbers of 8 bits, row by row, as fixtures/families.py makes them. */
function everyNumber(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => ((index & 0x7f) === 0x7f ? 0x7e : index & 0xff));
}

test('one scale, one a row, one a column and one a block are what transformers takes them for', async () => {
  const { rows, columns, cases } = float8Cases();
  for (const { shape, dtype, scale, ...sums } of cases) {
    const bytes = everyNumber(rows * columns);
    const source = { name: 'w.weight', path: 'w', dtype: 'F8_E4M3', shape: [rows, columns], offset: 0 } as const;
    const tensor = { ...source, shape: [...source.shape], byteLength: bytes.byteLength };
    const stored = { name: 's', path: 's', dtype, shape, offset: 0, byteLength: scale.length };
    const open = async () => ({
      byteLength: scale.length,
      read: async () => Uint8Array.from(scale),
      close: async () => {},
    });
    const scales = (await readScales([{ gguf: 'w', source: tensor, scale: stored }], { blocks: undefined, open })).get(
      'w',
    )!;
    for (const type of ['f32', 'bf16'] as const) {
      const planned = { name: 'w', dims: [columns, rows], type: typeId(type), importance: undefined };
      const slice = { tensor: { ...planned, source: { ...tensor, scales } }, firstRow: 0, rows, perRow: columns };
      const buffers = {
        read: bytes.slice(),
        floats: new Float32Array(bytes.byteLength),
        target: new Uint8Array(bytes.byteLength * 4),
      };
      const converted = await convertSlice(slice, buffers, { codec: native.ggml, factors: undefined });
      assert.equal(sha256(converted), sums[type], `${dtype} [${shape.join(', ')}] to ${type}`);
    }
  }
});

async function keys(name: 'ministral-3' | 'ministral-3-base' | 'merger'): Promise<Record<string, unknown>> {
  const pair = await convertedPair(name, 'bf16', native);
  try {
    const { metadata } = await readGguf(pair.model);
    const stated = [...metadata].filter(([key]) => /general.architecture|scaling|temperature|context_length/.test(key));
    return Object.fromEntries(stated.map(([key, value]) => [key, value.type === 'array' ? 'array' : value.value]));
  } finally {
    await pair.remove();
  }
}

test('what stretches a context is written as llama.cpp reads it, and only then the architecture is mistral3', async () => {
  const beta = Math.fround(0.1);
  assert.deepEqual(await keys('ministral-3'), {
    'general.architecture': 'mistral3',
    'mistral3.context_length': 256,
    'mistral3.rope.scaling.type': 'yarn',
    'mistral3.rope.scaling.factor': 16,
    'mistral3.rope.scaling.original_context_length': 16,
    'mistral3.rope.scaling.yarn_beta_fast': 4,
    'mistral3.rope.scaling.yarn_beta_slow': 1,
    'mistral3.rope.scaling.yarn_log_multiplier': 1,
    'mistral3.attention.temperature_scale': beta,
  });
  assert.equal((await keys('ministral-3-base'))['mistral3.rope.scaling.yarn_log_multiplier'], 0);
  assert.deepEqual(await keys('merger'), { 'general.architecture': 'llama', 'llama.context_length': 131_072 });
});
