/**
 * Pixtral's relatives at size. Without a folder: the bytes of each model's pair of a type, and what asking it takes, as
 * our own planner counts them from the shapes. With a folder: Ministral 3 8B's shapes with some of its layers and random
 * weights, in 8 bits and in bf16, converted one after the other, several times, inspected and asked: seconds and peak
 * memory. Three rows of each tensor are compared with what ggml makes of them by itself.
 *
 *     npm run measure:families [-- --type q4_k_m]
 *     npm run build && npm run measure:families -- <folder> [--type q4_k_m] [--layers 4] [--rounds 3] [--weights float8,bf16]
 *
 * All 34 layers take 20 GB of disk with 8 bits alone to q8_0, 45 with both to bf16.
 */
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { planConversion } from '../../src/convert/plan.ts';
import { type ConvertType, convertTypes, defaultMmprojType } from '../../src/convert/types.ts';
import { cacheBytes } from '../../src/decoder/fit.ts';
import { planCheckpoint } from '../../src/engine/convert.ts';
import { readGguf } from '../../src/gguf/read.ts';
import { ggmlTypes, tensorByteLength } from '../../src/gguf/types.ts';
import { openNative } from '../../src/native/open-native.ts';
import type { Ggml } from '../../src/native/native.ts';
import { canonicalTensors } from '../../src/weights/canonical.ts';
import { type ModelConfig, type SourceTensor, sourceTypeBytes } from '../../src/weights/types.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { plainOptions } from '../helpers/converted.ts';
import { fromFloat8 } from '../helpers/float8.ts';
import { type Measured, measurePixtral } from './measure.ts';
import { relatives, writeRandomCheckpoint } from './random-checkpoint.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    type: { type: 'string', default: 'q4_k_m' },
    layers: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    weights: { type: 'string', default: 'float8,bf16' },
  },
});
const type = convertTypes.find((known) => known === flags.type) ?? 'q4_k_m';
const [folder] = positionals;
if (folder === undefined) for (const [name, config] of Object.entries(relatives)) say([name, ...sizes(config, type)]);
else await measure(folder);

function say(columns: readonly string[]): void {
  process.stdout.write(`${columns.join('  ')}\n`);
}

/** As the planner lays the tensors out; headers and vocabulary, 10 MB, are not counted. */
function sizes(config: ModelConfig, type: ConvertType): string[] {
  const tensors = new Map(
    canonicalTensors(config).map(({ gguf, shape }) => {
      const source: SourceTensor = { name: gguf, path: '', dtype: 'BF16', shape, offset: 0, byteLength: 0 };
      return [gguf, source];
    }),
  );
  const options = { type, mmprojType: defaultMmprojType(type), overrides: [], imatrix: undefined };
  const { model, projector } = planConversion({ tensors, config }, options);
  const bytes = (planned: typeof model): number =>
    planned.reduce((sum, { type: id, dims }) => {
      return (
        sum +
        tensorByteLength(
          ggmlTypes.get(id)!,
          dims.reduce((product, dim) => product * dim, 1),
        )
      );
    }, 0);
  const { text } = config;
  const decoder = { ...text, trainedContext: text.contextLength };
  const parts = [bytes(model), bytes(projector), cacheBytes(decoder, 8192, 'f16')];
  return [...parts, parts.reduce((sum, part) => sum + part, 0)].map((size) => `${(size / 1e9).toFixed(2)} GB`);
}

async function measure(folder: string): Promise<void> {
  const whole = relatives['Ministral 3 8B'];
  const config = { ...whole, text: { ...whole.text, layers: Number(flags.layers) } };
  const weights = canonicalTensors(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const kinds = (['float8', 'bf16'] as const).filter((kind) => flags.weights.split(',').includes(kind));
  await mkdir(folder, { recursive: true });
  try {
    for (const kind of kinds) {
      const options = { config, layout: 'mistral', float8: kind === 'float8', version: 'v13' } as const;
      const bytes = await writeRandomCheckpoint(join(folder, kind), options);
      say([kind, `${(weights / 1e9).toFixed(2)} billion weights`, `${(bytes / 1e9).toFixed(2)} GB`]);
    }
    for (let round = 1; round <= Number(flags.rounds); round++) {
      for (const kind of kinds) {
        const [checkpoint, out] = [join(folder, kind), join(folder, `out-${kind}`)];
        await timed(kind, ['convert', checkpoint, '--type', type, '--out', out, '--json']);
        if (round === Number(flags.rounds)) await use(out, { kind, checkpoint });
        await rm(out, { recursive: true, force: true });
      }
    }
  } finally {
    for (const kind of kinds) await rm(join(folder, kind), { recursive: true, force: true });
  }
}

async function timed(kind: string, words: readonly string[]): Promise<Measured> {
  const run = await measurePixtral(words);
  const { seconds, processorSeconds, peakResident, peakAnonymous, exitCode } = run;
  if (exitCode !== 0) process.exitCode = 1;
  say([
    `${kind} ${words[0]}`,
    `${seconds.toFixed(2)} s, ${processorSeconds.toFixed(1)} processor s`,
    `peak ${(peakResident / 1e6).toFixed(0)} MB (anonymous ${(peakAnonymous / 1e6).toFixed(0)})`,
    `exit ${exitCode}`,
  ]);
  return run;
}

async function use(pair: string, { kind, checkpoint }: { kind: string; checkpoint: string }): Promise<void> {
  await timed(kind, ['inspect', checkpoint, pair]);
  const model = ['--model', pair, '--max-tokens', '16', '--temperature', '0', '--gpu', 'off', '--json'];
  const { stdout } = await timed(kind, ['ask', scenePath('c-64x64.png'), 'describe this', ...model]);
  say([stdout.trim()]);
  const native = await openNative({ gpu: 'off', onLog: () => {} });
  try {
    const { rows, different } = await compareRows(pair, { checkpoint, ggml: native.ggml });
    say([`${rows} rows compared with ggml's own, ${different.length} differ`, ...different]);
    if (different.length > 0) process.exitCode = 1;
  } finally {
    await native.close();
  }
}

/** Three rows of each tensor, quantised by ggml alone. */
async function compareRows(
  pair: string,
  { checkpoint, ggml }: { checkpoint: string; ggml: Ggml },
): Promise<{ rows: number; different: string[] }> {
  const { files } = await planCheckpoint(checkpoint, {
    ...plainOptions(type, pair),
    mmprojType: defaultMmprojType(type),
  });
  const different: string[] = [];
  let rows = 0;
  for (const [index, { tensors }] of files.entries()) {
    const gguf = await readGguf(join(pair, index === 0 ? 'model.gguf' : 'mmproj.gguf'));
    for (const { name, source, type: target, dims } of tensors) {
      const [perRow, count] = [dims[0]!, dims.slice(1).reduce((product, dim) => product * dim, 1)];
      for (const row of new Set([0, count >> 1, count - 1])) {
        rows++;
        const weights = await readWeights(source, { row, perRow });
        const expected = new Uint8Array(tensorByteLength(ggmlTypes.get(target)!, perRow));
        await ggml.quantizeChunk(target, weights, expected, 0, 1, perRow, null);
        const at = gguf.tensors.get(name)!.offset + row * expected.byteLength;
        const written = await readBytes(gguf.path, { at, byteLength: expected.byteLength });
        if (!written.equals(expected)) different.push(`${name} row ${row}`);
      }
    }
  }
  return { rows, different };
}

async function readWeights(
  { path, dtype, offset, scales }: SourceTensor,
  { row, perRow }: { row: number; perRow: number },
): Promise<Float32Array> {
  const byteLength = perRow * sourceTypeBytes[dtype];
  const bytes = await readBytes(path, { at: offset + row * byteLength, byteLength });
  if (dtype === 'F8_E4M3') return Float32Array.from(bytes, (byte) => fromFloat8(byte) * scales!.values[0]!);
  return new Float32Array(Uint32Array.from({ length: perRow }, (_, at) => bytes.readUInt16LE(at * 2) << 16).buffer);
}

async function readBytes(
  path: string,
  { at, byteLength }: { at: number; byteLength: number },
): Promise<Buffer<ArrayBuffer>> {
  const file = await open(path);
  try {
    return (await file.read(Buffer.alloc(byteLength), 0, byteLength, at)).buffer;
  } finally {
    await file.close();
  }
}
