import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { convertSlice } from '../../src/convert/rows.ts';
import { typeId } from '../../src/convert/types.ts';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import { readGguf } from '../../src/gguf/read.ts';
import type { Gguf } from '../../src/gguf/types.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { floatsOf } from '../../src/weights/floats.ts';
import { readSafetensors } from '../../src/weights/safetensors.ts';
import { readScales } from '../../src/weights/scales.ts';
import { huggingFaceNames } from '../../src/weights/huggingface.ts';
import {
  type Relative,
  type TinyCheckpoint,
  checkpointFolder,
  float8Cases,
  float8Relatives,
  float8Sums,
  relatives,
} from '../helpers/checkpoints.ts';
import { convertedPair, oneLayout, plainOptions } from '../helpers/converted.ts';
import { type StoredTensor, encodeFloats, safetensorsBytes, withFolder } from '../helpers/weights.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

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

for (const name of float8Relatives) {
  test(`weights of 8 bits of ${name} become transformers' own products, bit for bit`, async (t) => {
    const pair = await convertedPair(name, 'f32', native);
    t.after(() => pair.remove());
    const gguf = await readGguf(pair.model);
    const bytes = await readFile(pair.model);
    const sums = Object.entries(float8Sums(name));
    assert.equal(sums.length, 14);
    for (const [theirs, sum] of sums) {
      const [pattern] = Object.entries(huggingFaceNames).find(([, hub]) =>
        hub.endsWith(theirs.replace(/^layers\.\d+/, 'layers.N')),
      )!;
      const ours = pattern.replace('.N.', `.${theirs.split('.')[1]}.`);
      assert.equal(sha256(tensorBytes(gguf, bytes, ours)), sum, ours);
    }
  });
}

const worker = fileURLToPath(new URL('../helpers/convert-worker.ts', import.meta.url));

for (const name of float8Relatives) {
  test(`a conversion of the 8 bits of ${name} that SIGKILL ended is gone on with, to the same bytes`, async () => {
    await withFolder(async (folder) => {
      const checkpoint = checkpointFolder(name);
      const options = { ...plainOptions('q4_k_m', join(folder, 'whole')), native };
      const whole = await convertCheckpoint(checkpoint, options);
      for (const slices of ['2', '17', '40']) {
        const out = join(folder, slices);
        const { signal } = spawnSync(process.execPath, ['--import', 'tsx', worker, checkpoint, out, slices]);
        assert.equal(signal, 'SIGKILL');
        const left = await readdir(out);
        assert.ok(left.includes('model.gguf.part') && !left.includes('model.gguf'), left.join());
        const { model, mmproj, resumedBytes } = await convertCheckpoint(checkpoint, { ...options, out });
        assert.ok(resumedBytes > 0);
        assert.ok((await readFile(model)).equals(await readFile(whole.model)), slices);
        assert.ok((await readFile(mmproj)).equals(await readFile(whole.mmproj)), slices);
      }
    });
  });
}

test('what was begun with other scales is not gone on with, also where they stand in a file of their own', async () => {
  await withFolder(async (folder) => {
    const checkpoint = join(folder, 'in');
    await oneShardOfScales(checkpoint, { factor: 1 });
    const options = { ...plainOptions('q8_0', join(folder, 'out')), native };
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error('enough'));
    await assert.rejects(
      convertCheckpoint(checkpoint, { ...options, signal: controller.signal, onProgress }),
      /enough/,
    );
    await oneShardOfScales(checkpoint, { factor: 2 });
    const { resumedBytes, model } = await convertCheckpoint(checkpoint, options);
    assert.equal(resumedBytes, 0);
    const anew = await convertCheckpoint(checkpoint, { ...options, out: join(folder, 'anew') });
    assert.ok((await readFile(model)).equals(await readFile(anew.model)));
  });
});

/** Of the Instruct's, to be changed. */
async function storedTensors(): Promise<(StoredTensor & { bytes: Uint8Array })[]> {
  const path = join(checkpointFolder('ministral-3'), 'consolidated.safetensors');
  const bytes = await readFile(path);
  return [...(await readSafetensors(path)).values()].map(({ name, dtype, shape, offset, byteLength }) => ({
    name,
    dtype,
    shape,
    bytes: Uint8Array.from(bytes.subarray(offset, offset + byteLength)),
  }));
}

async function copyConfig(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of ['params.json', 'tekken.json']) {
    await copyFile(join(checkpointFolder('ministral-3'), file), join(folder, file));
  }
}

/** Weights are written once: only the file of scales changes, and there what no pair's id is made of. */
async function oneShardOfScales(folder: string, { factor }: { factor: number }): Promise<void> {
  const tensors = await storedTensors();
  const isScale = ({ name }: { name: string }): boolean => name.endsWith('qscale_weight');
  const scales = tensors.filter(isScale);
  for (const scale of scales.filter(({ name }) => name.includes('attention.wq'))) {
    scale.bytes = Uint8Array.from(
      encodeFloats(
        floatsOf[scale.dtype]!(scale.bytes).map((one) => one * factor),
        'BF16',
      ),
    );
  }
  await copyConfig(folder);
  const weights = join(folder, 'consolidated-00001-of-00002.safetensors');
  if (!existsSync(weights)) await writeFile(weights, safetensorsBytes(tensors.filter((tensor) => !isScale(tensor))));
  await writeFile(join(folder, 'consolidated-00002-of-00002.safetensors'), safetensorsBytes(scales));
}

const faults = [
  ['a byte that is no number', 'attention.wk.weight', /layers\.0\.attention\.wk\.weight: holds NaN or infinity/],
  ['a scale that leaves f16', 'attention.wk.qscale_weight', /layers\.0\.attention\.wk\.weight: holds weights beyond/],
] as const;
for (const [what, ending, message] of faults) {
  for (const type of ['q8_0', 'q4_k_m', 'bf16', 'f32'] as const) {
    test(`${what} is told of by its tensor's name where ${type} cannot hold it`, async () => {
      await withFolder(async (folder) => {
        const checkpoint = join(folder, 'in');
        await copyConfig(checkpoint);
        const tensors = await storedTensors();
        const { bytes } = tensors.find(({ name }) => name === `layers.0.${ending}`)!;
        if (ending.includes('qscale')) bytes.set(encodeFloats(Float32Array.of(1e4), 'BF16'));
        else bytes[301] = 0xff;
        await writeFile(join(checkpoint, 'consolidated.safetensors'), safetensorsBytes(tensors));
        const converted = convertCheckpoint(checkpoint, { ...plainOptions(type, join(folder, 'out')), native });
        if (ending.includes('qscale') && (type === 'bf16' || type === 'f32')) await converted;
        else await assert.rejects(converted, { code: 'model', message });
      });
    });
  }
}

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

async function keys(name: TinyCheckpoint): Promise<Record<string, unknown>> {
  const pair = await convertedPair(name, 'bf16', native);
  try {
    const { metadata } = await readGguf(pair.model);
    const stated = [...metadata].filter(([key]) => /general.architecture|scaling|temperature|context_length/.test(key));
    return Object.fromEntries(stated.map(([key, value]) => [key, value.type === 'array' ? 'array' : value.value]));
  } finally {
    await pair.remove();
  }
}

const ministralKeys = {
  'general.architecture': 'mistral3',
  'mistral3.context_length': 256,
  'mistral3.rope.scaling.type': 'yarn',
  'mistral3.rope.scaling.factor': 16,
  'mistral3.rope.scaling.original_context_length': 16,
  'mistral3.rope.scaling.yarn_beta_fast': 4,
  'mistral3.rope.scaling.yarn_beta_slow': 1,
  'mistral3.rope.scaling.yarn_log_multiplier': 1,
  'mistral3.attention.temperature_scale': Math.fround(0.1),
};
const unstretched = { 'general.architecture': 'llama', 'llama.context_length': 131_072 };
const statedKeys: Readonly<Record<Relative | 'merger', Record<string, unknown>>> = {
  merger: unstretched,
  'ministral-3': ministralKeys,
  'ministral-3-base': {
    ...ministralKeys,
    'mistral3.rope.scaling.factor': 8,
    'mistral3.rope.scaling.yarn_beta_fast': 32,
    'mistral3.rope.scaling.yarn_log_multiplier': 0,
  },
  'mistral-small-3.1': unstretched,
  'mistral-small-3.2': unstretched,
  'magistral-small-1.2': unstretched,
  'devstral-small-2': {
    ...ministralKeys,
    'mistral3.context_length': 768,
    'mistral3.rope.scaling.factor': 48,
    'mistral3.rope.scaling.yarn_beta_fast': 32,
  },
};
for (const name of ['merger', ...relatives] as const) {
  test(`what stretches the context of ${name} is written as llama.cpp reads it, and only then is it a mistral3`, async () => {
    assert.deepEqual(await keys(name), statedKeys[name]);
  });
}
