/**
 * The vision tower at Pixtral-12B's shapes (random weights in f16) beside llama-mtmd-cli's: one 1024x1024 picture, 4,096
 * patches in both, in turns. What a small picture takes in the same program is taken off the processor seconds.
 *
 *   npm run build && LLAMA_CPP=<tree with build/bin/llama-mtmd-cli> node --import tsx test/bench/tower.ts <folder with 2 GB free>
 *     [--threads 1] [--rounds 3]
 */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { testPicture } from '../../src/engine/bench/test-picture.ts';
import type { ModelConfig } from '../../src/weights/types.ts';
import type { AskJson } from '../../src/wires/json.ts';
import { pixtral12b, writeRandomCheckpoint } from '../scale/random-checkpoint.ts';
import { median } from './median.ts';
import { pixtral, runCommand } from './run-command.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string', default: '1' }, rounds: { type: 'string', default: '3' } },
});
const [folder] = positionals;
const tree = process.env['LLAMA_CPP'];
if (folder === undefined || tree === undefined) throw new Error('usage: LLAMA_CPP=<tree> ... <folder>');
const tool = join(tree, 'build/bin/llama-mtmd-cli');
const pair = join(folder, 'pair');
const sides = { small: 64, large: 1024 };
const prompt = 'describe this';

interface Run {
  /** Of the tower, by the program's own account. */
  encode: number;
  processor: number;
  tokens: number;
}

const ways = { ours, 'llama-mtmd-cli': theirs };
await mkdir(folder, { recursive: true });
if (!existsSync(pair)) await makePair();
for (const side of Object.values(sides)) await writeFile(picture(side), testPicture({ width: side, height: side }));

const seen: Record<string, { encode: number; processor: number }[]> = {};
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const [name, run] of Object.entries(ways)) {
    const small = await run(sides.small);
    const large = await run(sides.large);
    const one = { encode: large.encode, processor: large.processor - small.processor };
    (seen[name] ??= []).push(one);
    say(
      `${name}: ${large.tokens} tokens, tower ${one.encode.toFixed(2)} s, ${one.processor.toFixed(2)} s of the processor`,
    );
  }
}
const middle = (name: string, what: 'encode' | 'processor'): number => median(seen[name]!.map((run) => run[what]));
for (const what of ['encode', 'processor'] as const)
  say(`${what}, ours of theirs, medians: ${(middle('ours', what) / middle('llama-mtmd-cli', what)).toFixed(3)}`);

async function makePair(): Promise<void> {
  const checkpoint = join(folder!, 'checkpoint');
  const text = { ...pixtral12b.text, dim: 1024, layers: 1, heads: 8, kvHeads: 2, hiddenDim: 1024 };
  const config: ModelConfig = { text, vision: pixtral12b.vision };
  await writeRandomCheckpoint(checkpoint, { config, layout: 'mistral' });
  await runCommand([...pixtral, 'convert', checkpoint, '--out', pair, '--type', 'q8_0']);
  await rm(checkpoint, { recursive: true });
}

function picture(side: number): string {
  return join(folder!, `${side}.png`);
}

async function ours(side: number): Promise<Run> {
  const runtime = ['--model', pair, '--gpu', 'off', '--threads', flags.threads, '--no-cache', '--context', '8192'];
  const words = ['ask', picture(side), prompt, ...runtime, '--temperature', '0', '--max-tokens', '1', '--json'];
  const { stdout, processorSeconds: processor } = await runCommand([...pixtral, ...words]);
  const { timings, images } = JSON.parse(stdout) as AskJson;
  return { encode: timings.encode_ms / 1000, processor, tokens: images[0]!.tokens };
}

async function theirs(side: number): Promise<Run> {
  const model = ['--jinja', '-m', join(pair, 'model.gguf'), '--mmproj', join(pair, 'mmproj.gguf')];
  const runtime = ['-t', flags.threads, '-tb', flags.threads, '-ngl', '0', '-c', '8192', '--no-warmup', '-lv', '4'];
  const sizes = ['--image-min-tokens', '1', '--image-max-tokens', '4096'];
  const asked = ['--image', picture(side), '-p', prompt, '--temp', '0', '-n', '1'];
  const run = await runCommand([tool, ...model, ...runtime, ...sizes, ...asked]);
  const log = `${run.stdout}\n${run.stderr}`;
  const [, milliseconds] = /mtmd batch encoding done in (\d+) ms/.exec(log) ?? [];
  if (milliseconds === undefined) throw new Error(`no time of the tower: ${log.slice(-3000)}`);
  const tokens = [...log.matchAll(/n_tokens_batch = (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  return { encode: Number(milliseconds) / 1000, processor: run.processorSeconds, tokens };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
