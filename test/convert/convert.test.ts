import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Converted, type RunOptions, convert } from '../../src/convert/convert.ts';
import type { PlanningOptions } from '../../src/convert/plan-pair.ts';
import { type ConvertType, convertTypes } from '../../src/convert/types.ts';
import { readGguf } from '../../src/gguf/read.ts';
import { type Gguf, ggmlTypeName } from '../../src/gguf/types.ts';
import { optionalNumber, optionalString } from '../../src/gguf/values.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { plainOptions } from '../helpers/converted.ts';
import {
  type FolderOptions,
  type StoredTensor,
  tinyConfig,
  tinyMergerConfig,
  tinyTekken,
  tinyWeights,
  withFolder,
  writeCheckpoint,
} from '../helpers/weights.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

interface Options extends Partial<Omit<PlanningOptions & RunOptions, 'type'>> {
  out: string;
}

const chatTemplate = ({ version }: { version: string }): string => `{{ messages }} of ${version}`;
const run = (folder: string, type: ConvertType, options: Options): Promise<Converted> =>
  convert(folder, {
    ...plainOptions(type, options.out),
    chatTemplate,
    codec: Promise.resolve(native.ggml),
    ...options,
  });

async function converted(
  folder: string,
  type: ConvertType,
  out: string,
): Promise<{ model: Gguf; mmproj: Gguf; files: Buffer[] }> {
  const { model, mmproj } = await run(folder, type, { out });
  return {
    model: await readGguf(model),
    mmproj: await readGguf(mmproj),
    files: [readFileSync(model), readFileSync(mmproj)],
  };
}

const bytesOf = (gguf: Gguf, name: string): Buffer => {
  const { offset, byteLength } = gguf.tensors.get(name)!;
  return readFileSync(gguf.path).subarray(offset, offset + byteLength);
};

for (const config of [tinyConfig, tinyMergerConfig]) {
  const kind = config.vision.spatialMergeSize > 1 ? 'merger' : 'plain';
  for (const type of convertTypes) {
    test(`both layouts of the same ${kind} weights give the same files at ${type}, every time`, async () => {
      await withFolder(async (base) => {
        const options = { dtype: 'BF16', config } as const;
        const mistral = await writeCheckpoint(join(base, 'a', 'weights'), { ...options, layout: 'mistral' });
        const hugging = await writeCheckpoint(join(base, 'b', 'weights'), {
          ...options,
          layout: 'huggingface',
          changeConfig: (json) => ({
            ...json,
            text_config: { ...(json['text_config'] as object), max_position_embeddings: 131_072 },
          }),
        });
        const first = await converted(mistral, type, join(base, 'one'));
        const again = await converted(mistral, type, join(base, 'two'));
        const other = await converted(hugging, type, join(base, 'three'));
        for (const [i, file] of first.files.entries()) {
          assert.ok(file.equals(again.files[i]!), 'the same input, other bytes');
          assert.ok(file.equals(other.files[i]!), "Hugging Face's layout, other bytes");
        }
      });
    });
  }
}

test('f32 keeps every weight of a bf16 checkpoint, in the order of rows that ggml wants', async () => {
  await withFolder(async (base) => {
    for (const layout of ['mistral', 'huggingface'] as const) {
      const folder = await writeCheckpoint(join(base, layout), { layout, dtype: 'BF16' });
      const { model, mmproj } = await converted(folder, 'f32', join(base, `${layout}-f32`));
      for (const [name, { values }] of tinyWeights(tinyConfig)) {
        const words = new Uint32Array(values.buffer).map((word) => word & 0xffff0000); // bf16 as the helper cuts it
        const gguf = model.tensors.has(name) ? model : mmproj;
        assert.ok(bytesOf(gguf, name).equals(Buffer.from(words.buffer)), `${layout}: ${name}`);
      }
    }
  });
});

test('q8_0 holds each weight to half a step of its block, and small tensors as f32', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'F32' });
    const { model } = await converted(folder, 'q8_0', join(base, 'out'));
    const name = 'blk.1.ffn_down.weight';
    const { values } = tinyWeights(tinyConfig).get(name)!;
    const blocks = bytesOf(model, name);
    assert.equal(blocks.byteLength, (values.length / 32) * 34);
    const types = new Map([...model.tensors.values()].map((tensor) => [tensor.name, ggmlTypeName(tensor.type)]));
    assert.deepEqual([types.get(name), types.get('output_norm.weight')], ['q8_0', 'f32']);
    for (let block = 0; block < values.length / 32; block++) {
      const weights = values.subarray(block * 32, block * 32 + 32);
      const step = Math.max(...weights.map(Math.abs)) / 127;
      weights.forEach((weight, i) => {
        const quant = blocks.readInt8(block * 34 + 2 + i);
        assert.ok(Math.abs(weight - quant * step) <= step * 0.51, `${weight} became ${quant} x ${step}`);
      });
    }
  });
});

test('the files say what readers need, also where the checkpoint does not', async () => {
  await withFolder(async (base) => {
    for (const layout of ['mistral', 'huggingface'] as const) {
      const folder = await writeCheckpoint(join(base, layout), { layout, dtype: 'BF16' });
      const { model, mmproj } = await converted(folder, 'f32', join(base, `${layout}-f32`));
      assert.equal(optionalString(model, 'tokenizer.ggml.pre'), 'tekken');
      assert.equal(optionalString(model, 'tokenizer.chat_template'), '{{ messages }} of v3');
      assert.equal(optionalNumber(model, 'llama.context_length'), 131_072);
      assert.equal(optionalNumber(model, 'llama.attention.key_length'), 32);
      assert.equal(optionalString(mmproj, 'clip.projector_type'), 'pixtral');
      assert.match(optionalString(model, 'pixtral.pair_id')!, /^[0-9a-f]{32}$/);
      assert.equal(optionalString(model, 'pixtral.pair_id'), optionalString(mmproj, 'pixtral.pair_id'));
      const rowBytes = tinyConfig.text.dim * 4;
      const row = bytesOf(model, 'token_embd.weight').subarray(12 * rowBytes, 13 * rowBytes);
      assert.ok(bytesOf(mmproj, 'v.token_embd.img_break').equals(row));
    }
  });
});

test('other weights have another pair id, other types of the same weights have the same', async () => {
  await withFolder(async (base) => {
    const options = { layout: 'mistral', dtype: 'BF16' } as const;
    const folder = await writeCheckpoint(join(base, 'a'), options);
    const tuned = await writeCheckpoint(join(base, 'b'), {
      ...options,
      change: (tensors) =>
        tensors.map((tensor) =>
          tensor.name === 'norm.weight' ? { ...tensor, bytes: tensor.bytes.map((byte) => byte ^ 1) } : tensor,
        ),
    });
    const id = async (from: string, type: ConvertType): Promise<string | undefined> =>
      optionalString((await converted(from, type, join(base, `${type}-${from.at(-1)}`))).model, 'pixtral.pair_id');
    const first = await id(folder, 'f16');
    assert.equal(await id(folder, 'q8_0'), first);
    assert.notEqual(await id(tuned, 'f16'), first);
  });
});

test("Hugging Face's tokenizer takes its version from the chat template beside it", async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'huggingface', dtype: 'BF16' });
    await rm(join(folder, 'tekken.json'));
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tinyTokenizerJson()));
    for (const [file, content, version] of [
      ['tokenizer_config.json', JSON.stringify({ chat_template: '{{ "[SYSTEM_PROMPT]" }}' }), 'v7'],
      ['chat_template.json', JSON.stringify({ chat_template: '{{ "[INST]" }}' }), 'v3'],
      ['chat_template.jinja', '{{ "[SYSTEM_PROMPT] [ARGS] [CALL_ID]" }}', 'v11'],
    ] as const) {
      await writeFile(join(folder, file), content); // each wins over the ones before
      const { model } = await converted(folder, 'f16', join(base, version));
      assert.equal(optionalString(model, 'pixtral.tokenizer.version'), version);
    }
  });
});

/** The same tokens as `tinyTekken(300)`, as Hugging Face's library writes them. */
function tinyTokenizerJson(): unknown {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const printable = bytes.filter((byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174);
  const hidden = bytes.filter((byte) => !printable.includes(byte));
  const letter = (byte: number): string =>
    printable.includes(byte) ? String.fromCharCode(byte) : String.fromCharCode(256 + hidden.indexOf(byte));
  const controls = 40;
  const words = [...bytes.map(letter), 'ab', 'abc', 'bc', `${letter(32)}a`];
  const names = Array.from({ length: controls }, (_, id) => `<SPECIAL_${id}>`);
  for (const [id, name] of Object.entries({
    0: '<unk>',
    1: '<s>',
    2: '</s>',
    3: '[INST]',
    4: '[/INST]',
    10: '[IMG]',
    11: '<pad>',
    12: '[IMG_BREAK]',
    13: '[IMG_END]',
    17: '[SYSTEM_PROMPT]',
    18: '[/SYSTEM_PROMPT]',
  })) {
    names[Number(id)] = name;
  }
  return {
    added_tokens: names.map((content, id) => ({ id, content, special: true })),
    model: {
      type: 'BPE',
      vocab: Object.fromEntries([...names, ...words].map((word, id) => [word, id])),
      merges: ['a b', 'ab c', 'b c', `${letter(32)} a`],
    },
  };
}

const refusals: readonly (readonly [
  what: string,
  options: Partial<FolderOptions> & { prepare?: (folder: string) => Promise<void> },
  message: RegExp,
])[] = [
  [
    'a NaN in the last tensor',
    { change: (tensors) => [...tensors.slice(0, -1), withWord(tensors.at(-1)!, 0x7fc0)] },
    /tensor \S+: holds NaN or infinity/,
  ],
  [
    'a tokenizer of other weights',
    { prepare: (folder) => writeFile(join(folder, 'tekken.json'), JSON.stringify(tinyTekken(310))) },
    /tekken\.json: has 310 tokens, expected the model's 300/,
  ],
  ['a missing tensor', { change: (tensors) => tensors.slice(1) }, /lacks tensor/],
  [
    'overlapping tensors',
    {
      prepare: async (folder) => {
        const path = join(folder, 'consolidated.safetensors');
        const bytes = readFileSync(path);
        const text = bytes.toString('latin1');
        const at = /"data_offsets":\[(\d+),(\d+)\]/g;
        at.exec(text);
        const second = at.exec(text)!;
        const moved = second[0].replace(/\d+/g, (digits) => String(Number(digits) - 8).padStart(digits.length, ' '));
        await writeFile(path, Buffer.from(text.replace(second[0], moved), 'latin1'));
      },
    },
    /consolidated\.safetensors: .*(overlap|gap)/,
  ],
  [
    'a file that is cut short',
    {
      prepare: async (folder) => {
        const path = join(folder, 'consolidated.safetensors');
        await writeFile(path, readFileSync(path).subarray(0, -100));
      },
    },
    /consolidated\.safetensors: .*(ends|cut|short|bytes)/,
  ],
];

function withWord(tensor: StoredTensor, word: number): StoredTensor {
  const bytes = Buffer.from(tensor.bytes);
  bytes.writeUInt16LE(word, bytes.byteLength - 2);
  return { ...tensor, bytes };
}

for (const [what, { prepare = async () => {}, ...options }, message] of refusals) {
  test(`${what} is a model error, and leaves nothing`, async () => {
    await withFolder(async (base) => {
      const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16', ...options });
      await prepare(folder);
      await assert.rejects(run(folder, 'q8_0', { out: join(base, 'out') }), { code: 'model', message });
      assert.ok(!existsSync(join(base, 'out')));
    });
  });
}

test('weights beyond the range of f16 are refused as f16, with the way out', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), {
      layout: 'mistral',
      dtype: 'BF16',
      change: (tensors) => tensors.map((tensor) => (tensor.shape.length > 1 ? withWord(tensor, 0x7f00) : tensor)),
    });
    await assert.rejects(run(folder, 'f16', { out: join(base, 'f16') }), {
      code: 'model',
      message: /beyond the range of f16/,
      hint: 'convert to bf16',
    });
    await run(folder, 'bf16', { out: join(base, 'bf16') });
  });
});

/** Fires the signal after a number of slices. */
async function stopAfter(slices: number, folder: string, type: ConvertType, out: string): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('enough');
  let seen = 0;
  const onProgress = (): void => {
    if (++seen === slices) controller.abort(reason);
  };
  await assert.rejects(
    run(folder, type, { out, signal: controller.signal, onProgress }),
    (thrown) => thrown === reason,
  );
  assert.equal(seen, slices);
}

test('what a signal or a kill left is gone on with from the last whole tensor, to the same bytes', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const whole = await converted(folder, 'q4_k_m', join(base, 'whole'));
    const modelTensors = whole.model.tensors.size;
    for (const slices of [1, 7, modelTensors, modelTensors + 5]) {
      const out = join(base, `out-${slices}`);
      await stopAfter(slices, folder, 'q4_k_m', out);
      const parts = await readdir(out);
      assert.ok(parts.length > 0 && parts.every((name) => name.endsWith('.part')), parts.join());
      const { model, mmproj, resumedBytes } = await run(folder, 'q4_k_m', { out });
      assert.ok(resumedBytes > 0);
      assert.ok(readFileSync(model).equals(whole.files[0]!) && readFileSync(mmproj).equals(whole.files[1]!));
      assert.deepEqual((await readdir(out)).sort(), ['mmproj.gguf', 'model.gguf']);
    }
  });
});

test('a part cut at any byte is gone on with; one that is of another conversion is not', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const { model, files } = await converted(folder, 'q8_0', join(base, 'whole'));
    const left = join(base, 'left');
    await stopAfter(model.tensors.size + 1, folder, 'q8_0', left);
    await rm(join(left, 'mmproj.gguf.part'));
    const out = join(base, 'out');
    const step = Math.floor(files[0]!.byteLength / 40);
    for (let length = 0; length <= files[0]!.byteLength; length += step) {
      await cp(left, out, { recursive: true });
      await truncate(join(out, 'model.gguf.part'), length);
      const { resumedBytes } = await run(folder, 'q8_0', { out });
      const expected = [...model.tensors.values()]
        .filter(({ offset, byteLength }) => offset + byteLength <= length)
        .reduce((sum, { byteLength }) => sum + byteLength, 0);
      assert.equal(resumedBytes, expected);
      assert.ok(readFileSync(join(out, 'model.gguf')).equals(files[0]!), `cut at ${length}`);
      await rm(out, { recursive: true });
    }
    await cp(left, out, { recursive: true });
    assert.equal((await run(folder, 'q6_k', { out })).resumedBytes, 0);
  });
});

test('a part with any byte changed is noticed, and what it spoilt is converted again', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const { model, files } = await converted(folder, 'q8_0', join(base, 'whole'));
    const left = join(base, 'left');
    await stopAfter(model.tensors.size + 1, folder, 'q8_0', left);
    const out = join(base, 'out');
    for (const name of ['model.gguf.part', 'model.gguf.sums.part']) {
      const bytes = readFileSync(join(left, name));
      for (let at = 3; at < bytes.byteLength; at += Math.ceil(bytes.byteLength / 13)) {
        await cp(left, out, { recursive: true });
        const harmed = Buffer.from(bytes);
        harmed[at]! ^= 0x10;
        await writeFile(join(out, name), harmed);
        await run(folder, 'q8_0', { out });
        assert.ok(readFileSync(join(out, 'model.gguf')).equals(files[0]!), `${name} at ${at}`);
        await rm(out, { recursive: true });
      }
    }
    await cp(left, out, { recursive: true });
    await rm(join(out, 'model.gguf.sums.part')); // as older versions left it
    await run(folder, 'q8_0', { out });
    assert.ok(readFileSync(join(out, 'model.gguf')).equals(files[0]!));
  });
});

test('weights that change between two runs, or while they are converted, are never mixed', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const out = join(base, 'out');
    await stopAfter(12, folder, 'q8_0', out);
    const shard = join(folder, 'consolidated.safetensors');
    const { atime, mtime } = await stat(shard);
    const changed = readFileSync(shard);
    changed[changed.byteLength - 30_000]! ^= 1;
    await writeFile(shard, changed);
    await utimes(shard, atime, mtime); // as if nothing had happened
    const { resumedBytes, model } = await run(folder, 'q8_0', { out });
    assert.equal(resumedBytes, 0);
    const fresh = await converted(folder, 'q8_0', join(base, 'fresh'));
    assert.ok(readFileSync(model).equals(fresh.files[0]!));

    let seen = 0;
    const onProgress = (): void => {
      if (++seen === 3) writeFileSync(shard, changed);
    };
    await assert.rejects(run(folder, 'q8_0', { out: join(base, 'other'), onProgress }), {
      code: 'model',
      message: /the weights have changed while they were converted/,
    });
    assert.ok(!existsSync(join(base, 'other')));
  });
});

test('links, folders and pipes in the place of a part are refused and left alone', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const mine = join(base, 'mine');
    for (const name of ['model.gguf.part', 'mmproj.gguf.part', 'model.gguf.sums.part']) {
      const makers: Record<string, (path: string) => unknown> = {
        'a link': (path) => symlinkSync(mine, path),
        'a folder': (path) => mkdirSync(path),
        'a link ': (path) => linkSync(mine, path),
        'no file': (path) => execFileSync('mkfifo', [path]),
      };
      for (const [kind, make] of Object.entries(makers)) {
        if (kind === 'no file' && process.platform === 'win32') continue;
        const out = join(base, 'out');
        await mkdir(out);
        await writeFile(mine, 'mine');
        make(join(out, name));
        await assert.rejects(run(folder, 'q8_0', { out }), {
          code: 'machine',
          message: new RegExp(`${name}: is ${kind.trim()}, expected`),
        });
        assert.deepEqual(await readdir(out), [name]);
        assert.equal(readFileSync(mine, 'utf8'), 'mine');
        await rm(out, { recursive: true });
      }
    }
  });
});

test('two conversions into one folder: one is refused, the other ends as if it were alone', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const { files } = await converted(folder, 'q8_0', join(base, 'whole'));
    const out = join(base, 'out');
    let other: Promise<unknown> | undefined;
    const onProgress = (): void => {
      other ??= assert.rejects(run(folder, 'q4_0', { out }), {
        code: 'machine',
        message: /out: another conversion is writing there/,
      });
    };
    const { model } = await run(folder, 'q8_0', { out, onProgress });
    await other;
    assert.ok(readFileSync(model).equals(files[0]!));
    await run(folder, 'q4_0', { out, force: true });
  });
});

test('a run that was killed between the two renames is finished by the next', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const out = join(base, 'out');
    const { files } = await converted(folder, 'q8_0', out);
    await rename(join(out, 'mmproj.gguf'), join(out, 'mmproj.gguf.part'));
    await run(folder, 'q8_0', { out });
    assert.ok(readFileSync(join(out, 'mmproj.gguf')).equals(files[1]!));
  });
});

test('files that are there are refused, replaced with force, and compared with check', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const out = join(base, 'out');
    const { model, files } = await converted(folder, 'q5_k_s', out);
    await assert.rejects(run(folder, 'q5_k_s', { out }), { code: 'usage', message: /out: is there already/ });
    assert.equal((await run(folder, 'q5_k_s', { out, check: true })).checked, true);
    await assert.rejects(run(folder, 'q4_0', { out }), { code: 'usage', message: /model\.gguf: is there already/ });
    await assert.rejects(run(folder, 'q4_0', { out, check: true }), {
      code: 'model',
      message: /model\.gguf: tensor \S+: is \S+ \[.*\], expected \S+ \[.*\] by these options/,
    });

    const { offset } = model.tensors.get('blk.1.ffn_up.weight')!;
    const harmed = Buffer.from(files[0]!);
    harmed[offset + 5]! ^= 1;
    await writeFile(join(out, 'model.gguf'), harmed);
    await assert.rejects(run(folder, 'q5_k_s', { out, check: true }), {
      code: 'model',
      message: new RegExp(`tensor blk\\.1\\.ffn_up\\.weight: differs from the checkpoint's at byte ${offset + 5}$`),
    });
    await run(folder, 'q5_k_s', { out, force: true, check: true });
    assert.ok(readFileSync(join(out, 'model.gguf')).equals(files[0]!));
  });
});

test('a disk that fills in the middle is a machine error; once there is room the next run goes on', async (t) => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const { files } = await converted(folder, 'q8_0', join(base, 'whole'));
    const out = join(base, 'out');
    await mkdir(out);
    try {
      execFileSync('sh', ['-c', 'mount -t tmpfs -o size=2m none "$0"', out], { stdio: 'ignore' });
    } catch {
      return t.skip('may not mount');
    }
    let seen = 0;
    const fill = (): void => {
      if (++seen !== 5) return;
      const { bavail, bsize } = statfsSync(out);
      writeFileSync(join(out, 'others'), Buffer.alloc((bavail - 1) * bsize));
    };
    try {
      await assert.rejects(run(folder, 'q8_0', { out, onProgress: fill }), {
        code: 'machine',
        message: /part: cannot write: no space left on the disk/,
        hint: /free some space/,
      });
      assert.ok(!existsSync(join(out, 'model.gguf')) && !existsSync(join(out, 'mmproj.gguf')));
      await rm(join(out, 'others'));
      const { resumedBytes, model } = await run(folder, 'q8_0', { out });
      assert.ok(resumedBytes > 0);
      assert.ok(readFileSync(model).equals(files[0]!));
    } finally {
      execFileSync('sh', ['-c', 'umount "$0"', out]);
    }
  });
});

test('an out that is a file is a machine error', async () => {
  await withFolder(async (base) => {
    const folder = await writeCheckpoint(join(base, 'in'), { layout: 'mistral', dtype: 'BF16' });
    const out = join(base, 'out');
    await writeFile(out, 'mine');
    await assert.rejects(run(folder, 'f16', { out }), { code: 'machine', message: /out: cannot write there/ });
    await assert.rejects(run(folder, 'f16', { out: join(out, 'in') }), { code: 'machine' });
    assert.equal(readFileSync(out, 'utf8'), 'mine');
  });
});
