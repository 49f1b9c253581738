/**
 * How long `pixtral convert` takes, against the bare quantisation of the same tensors (nothing read or written) and
 * against the two-step way (llama.cpp's converter to bf16, then llama-quantize); f16 and bf16 against `cp` of the
 * checkpoint, with and without the `sync` that `convert` has in it. Random weights in Pixtral-12B's shapes; with few
 * layers, unless asked for all 40 (51 GB of disk). All of one round run one after the other.
 *
 *   npm run build && [LLAMA_CPP=<tree with build/bin/llama-quantize> PYTHON=<python with torch, transformers>] \
 *     npm run bench:convert -- <folder> [types] [--layers 4] [--rounds 3] [--keep]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Slice, slicesOf, targetByteLength } from '../../src/convert/slices.ts';
import { type ConvertType, convertTypes } from '../../src/convert/types.ts';
import { planCheckpoint } from '../../src/engine/convert.ts';
import { openNative } from '../../src/native/open-native.ts';
import { plainOptions } from '../helpers/converted.ts';
import { measurePixtral } from '../scale/measure.ts';
import { pixtral12b, writeRandomCheckpoint } from '../scale/random-checkpoint.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    keep: { type: 'boolean', default: false },
  },
});
const [folder, typeNames = 'q4_k_m,q8_0,f16,bf16'] = positionals;
if (folder === undefined) throw new Error('usage: npm run bench:convert -- <folder> [types] [--layers n]');
const types = convertTypes.filter((type) => typeNames.split(',').includes(type));
const tree = process.env['LLAMA_CPP'];

const checkpoint = join(folder, `checkpoint-${flags.layers}-layers`);
const out = join(folder, 'ours');
if (!existsSync(checkpoint)) {
  const config = { ...pixtral12b, text: { ...pixtral12b.text, layers: Number(flags.layers) } };
  await writeRandomCheckpoint(checkpoint, { config, layout: 'mistral' });
}
const native = await openNative({ gpu: 'off', onLog: () => {} });
try {
  for (const type of types) {
    for (let round = 0; round < Number(flags.rounds); round++) await runRound(type, round);
  }
} finally {
  await native.close();
  if (!flags.keep) await rm(checkpoint, { recursive: true, force: true });
}

interface Timing {
  what: string;
  seconds: number;
  /** Bytes. */
  peakResident?: number;
}

/** The order alternates: what a run leaves in memory helps or harms the next. */
async function runRound(type: ConvertType, round: number): Promise<void> {
  const others: (() => Promise<Timing[]> | Timing[])[] =
    type === 'f16' || type === 'bf16'
      ? [copy]
      : [() => quantizeBare(type), ...(tree ? [() => twoSteps(type, tree)] : [])];
  const runs = [() => measureOurs(type), ...others];
  const timings: Timing[] = [];
  for (const run of round % 2 === 0 ? runs : runs.toReversed()) {
    execFileSync('sync');
    await setTimeout(3000);
    timings.push(...(await run()));
  }
  const ours = timings.find(({ peakResident }) => peakResident !== undefined)?.seconds ?? 0;
  process.stdout.write(`${type}: ${timings.map((timing) => spelled(timing, ours)).join(', ')}\n`);
}

function spelled({ what, seconds, peakResident }: Timing, ours: number): string {
  const note =
    peakResident === undefined
      ? `ratio ${(ours / seconds).toFixed(2)}`
      : `peak RSS ${(peakResident / 1e9).toFixed(2)} GB`;
  return `${what} ${seconds.toFixed(1)} s (${note})`;
}

async function measureOurs(type: ConvertType): Promise<Timing[]> {
  const { seconds, exitCode, peakResident } = await measurePixtral([
    'convert',
    checkpoint,
    '--out',
    out,
    '--type',
    type,
    '--json',
  ]);
  await rm(out, { recursive: true, force: true });
  if (exitCode !== 0) throw new Error(`convert ended with ${exitCode}`);
  return [{ what: 'convert', seconds, peakResident }];
}

async function quantizeBare(type: ConvertType): Promise<Timing[]> {
  const { files } = await planCheckpoint(checkpoint, plainOptions(type, out));
  const slices = files.flatMap(({ tensors }) => slicesOf(tensors));
  const largest = Math.max(...slices.map(({ rows, perRow }) => rows * perRow));
  const floats = Float32Array.from({ length: largest }, (_, index) => Math.sin(index) * 0.03);
  const start = performance.now();
  const next = slices.values();
  await Promise.all(Array.from({ length: availableParallelism() }, () => quantizeAll(next, floats)));
  return [{ what: 'bare quantisation', seconds: secondsSince(start) }];
}

async function quantizeAll(slices: Iterable<Slice>, floats: Float32Array): Promise<void> {
  let target = new Uint8Array(0);
  for (const slice of slices) {
    const { tensor, rows, perRow } = slice;
    if (targetByteLength(slice) > target.byteLength) target = new Uint8Array(targetByteLength(slice));
    await native.ggml.quantizeChunk(tensor.type, floats, target, 0, rows, perRow, null);
  }
}

function twoSteps(type: ConvertType, llamaCpp: string): Timing[] {
  const [floats, quantized, mmproj] = ['floats.gguf', 'quantized.gguf', 'mmproj.gguf'].map((name) =>
    join(folder!, name),
  );
  const start = performance.now();
  for (const [path, flag] of [
    [floats!, ['--outtype', 'bf16']],
    [mmproj!, ['--outtype', 'f16', '--mmproj']],
  ] as const) {
    const words = [join(llamaCpp, 'convert_hf_to_gguf.py'), checkpoint, '--mistral-format', ...flag, '--outfile', path];
    execFileSync(process.env['PYTHON'] ?? 'python3', words, {
      stdio: 'ignore',
      env: { ...process.env, PYTHONPATH: join(llamaCpp, 'gguf-py') },
    });
  }
  const words = [floats!, quantized!, type.toUpperCase(), String(availableParallelism())];
  execFileSync(join(llamaCpp, 'build/bin/llama-quantize'), words, { stdio: 'ignore' });
  const seconds = secondsSince(start);
  execFileSync('rm', ['-f', floats!, quantized!, mmproj!]);
  return [{ what: 'two steps', seconds }];
}

function copy(): Timing[] {
  const [from, to] = [join(checkpoint, 'consolidated.safetensors'), join(folder!, 'copy')];
  const start = performance.now();
  execFileSync('cp', ['--reflink=never', from, to]);
  const seconds = secondsSince(start);
  execFileSync('sync', [to]);
  const synced = secondsSince(start);
  rmSync(to);
  return [
    { what: 'cp', seconds },
    { what: 'cp and sync', seconds: synced },
  ];
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
