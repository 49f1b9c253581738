/**
 * Size: a checkpoint of Pixtral-12B's shapes with random weights and some of its layers, served on loopback by the
 * stand-in of the Hub in a process of its own; `pull` beside `convert` from disk, in turns.
 *
 *   npm run build && [HF_CLI=<huggingface_hub's hf>] npm run measure:pull -- <folder> [--layers 1] [--types q4_k_m,q8_0]
 *     [--turns 2] [--rate 100000000] [--keep]
 *
 * Prints seconds and processor seconds (the server's own apart), their ratios, peak memory, bytes that were written and
 * sent.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Measured, measurePixtral, processorSecondsOf } from './measure.ts';
import { pixtral12b, writeRandomCheckpoint } from './random-checkpoint.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: 'string', default: '1' },
    types: { type: 'string', default: 'q4_k_m,q8_0' },
    turns: { type: 'string', default: '2' },
    rate: { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: npm run measure:pull -- <folder> [--layers 1]');
mkdirSync(folder, { recursive: true });
const checkpoint = join(folder, 'Random-Pixtral');
const models = join(folder, 'models');
const seconds = (run: Measured): string =>
  `${run.seconds.toFixed(1)} s, ${run.processorSeconds.toFixed(1)} processor s, peak RSS ${gb(run.peakResident)}, written ${gb(run.writtenBytes)}`;
const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(3)} GB`;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

try {
  if (!existsSync(checkpoint)) {
    const text = { ...pixtral12b.text, layers: Number(flags.layers) };
    const vision = { ...pixtral12b.vision, layers: Math.min(pixtral12b.vision.layers, Number(flags.layers)) };
    const bytes = await writeRandomCheckpoint(checkpoint, { config: { text, vision }, layout: 'mistral' });
    say(`checkpoint of ${flags.layers} layers: ${gb(bytes)}`);
  }
  const server = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('serve-checkpoint.ts', import.meta.url)), checkpoint, flags.rate],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [endpoint] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  Object.assign(process.env, { HF_ENDPOINT: endpoint, HF_HOME: join(folder, 'hf'), PIXTRAL_MODELS: models });
  try {
    for (const type of flags.types.split(',')) {
      for (let turn = 0; turn < Number(flags.turns); turn++) await compare(type, server);
    }
  } finally {
    server.kill();
  }
} finally {
  if (!flags.keep) await rm(checkpoint, { recursive: true, force: true });
  await rm(models, { recursive: true, force: true });
}

async function compare(type: string, server: ChildProcess): Promise<void> {
  const out = join(folder!, 'converted');
  const disk = await measured(['convert', checkpoint, '--type', type, '--out', out]);
  await rm(out, { recursive: true, force: true });
  const served = processorSecondsOf(server.pid);
  const pulled = await measured(['pull', 'random/Random-Pixtral', '--type', type, '--force']);
  const { bytes, fetched_bytes: fetched } = JSON.parse(pulled.stdout) as { bytes: number; fetched_bytes: number };
  const serverSeconds = processorSecondsOf(server.pid) - served;
  say(`convert to ${type}: ${seconds(disk)}`);
  say(
    `pull    to ${type}: ${seconds(pulled)}, fetched ${gb(fetched)} (${(fetched / 1e6 / pulled.seconds).toFixed(0)} MB/s), result ${gb(bytes)}`,
  );
  say(
    `  pull / convert ${(pulled.seconds / disk.seconds).toFixed(3)}, in processor seconds ${(pulled.processorSeconds / disk.processorSeconds).toFixed(3)} (the server's own: ${serverSeconds.toFixed(1)} s), written / result ${(pulled.writtenBytes / bytes).toFixed(3)}`,
  );
  if (process.env['HF_CLI']) await downloadAndConvert(process.env['HF_CLI'], { type, pulled });
  if (flags.rate !== '0')
    say(`  pull / (bytes / rate) ${(pulled.seconds / (fetched / Number(flags.rate))).toFixed(3)}`);
  await rm(models, { recursive: true, force: true });
}

/** What people do without `pull`: all of it to the disk, then `convert`. */
async function downloadAndConvert(hf: string, { type, pulled }: { type: string; pulled: Measured }): Promise<void> {
  const [local, out] = [join(folder!, 'downloaded'), join(folder!, 'converted')];
  const began = performance.now();
  const child = spawn(hf, ['download', 'random/Random-Pixtral', '--local-dir', local], { stdio: 'ignore' });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  if (exitCode !== 0) throw new Error(`${hf} ended with ${exitCode}`);
  const downloaded = (performance.now() - began) / 1000;
  const disk = await measured(['convert', local, '--type', type, '--out', out]);
  for (const path of [local, out]) await rm(path, { recursive: true, force: true });
  const both = downloaded + disk.seconds;
  say(
    `  hf download ${downloaded.toFixed(1)} s + convert ${disk.seconds.toFixed(1)} s; pull / both ${(pulled.seconds / both).toFixed(3)}`,
  );
}

async function measured(words: string[]): Promise<Measured> {
  const run = await measurePixtral([...words, '--json']);
  if (run.exitCode !== 0) throw new Error(`${words[0]} ended with ${run.exitCode}`);
  return run;
}
