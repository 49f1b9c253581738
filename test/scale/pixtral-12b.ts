/**
 * Size: a checkpoint of Pixtral-12B's exact shapes and shards with random weights (25 GB), converted, converted once
 * more with kills at random moments, each gone on with, compared, and asked once.
 *
 *   npm run build && npm run measure:12b -- <folder with 45 GB free> [types] [--layout huggingface] [--kills 3] [--convert-only] [--keep]
 *
 * Prints seconds, peak memory and bytes. The answer is noise: random weights prove scale, not sight.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync } from 'node:fs';
import { readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createCanvas } from '@napi-rs/canvas';
import { killPixtral, measurePixtral } from './measure.ts';
import { pixtral12b, writeRandomCheckpoint } from './random-checkpoint.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    layout: { type: 'string', default: 'mistral' },
    kills: { type: 'string', default: '3' },
    'convert-only': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const [folder, types = 'q8_0'] = positionals;
const layout = flags.layout === 'huggingface' ? 'huggingface' : 'mistral';
if (folder === undefined) throw new Error('usage: npm run measure:12b -- <folder> [types] [--layout huggingface]');

const checkpoint = join(folder, `checkpoint-${layout}`);
const picture = join(folder, '512x512.png');
mkdirSync(folder, { recursive: true });
try {
  await makePicture();
  await makeCheckpoint();
  for (const type of types.split(',')) {
    const converted = join(folder, `converted-${type}`);
    const once = await measureConvert(type, converted);
    if (Number(flags.kills) > 0) await killAndResume(type, { converted, kills: Number(flags.kills), ...once });
    if (!flags['convert-only']) await measureAsk(type, converted);
    if (!flags.keep) await rm(converted, { recursive: true, force: true });
  }
} finally {
  if (!flags.keep) await rm(checkpoint, { recursive: true, force: true });
}

async function makePicture(): Promise<void> {
  const canvas = createCanvas(512, 512);
  const context = canvas.getContext('2d');
  context.fillStyle = 'steelblue';
  context.fillRect(0, 0, 512, 512);
  context.fillStyle = 'orange';
  context.fillRect(100, 150, 250, 120);
  await writeFile(picture, await canvas.encode('png'));
}

async function makeCheckpoint(): Promise<void> {
  if (existsSync(checkpoint)) return;
  const { bavail, bsize } = await statfs(folder!);
  if (bavail * bsize < 45e9) throw new Error(`${folder}: ${gb(bavail * bsize)} free, expected 45 GB`);
  const bytes = await writeRandomCheckpoint(checkpoint, { config: pixtral12b, layout });
  print(`checkpoint, ${layout} layout`, `${gb(bytes)} in ${(await readdir(checkpoint)).join(', ')}`);
}

interface Once {
  seconds: number;
  sha256: string;
}

async function measureConvert(type: string, converted: string): Promise<Once> {
  const run = await measurePixtral(convertWords(type, converted));
  if (run.exitCode !== 0) throw new Error(`convert ended with ${run.exitCode}`);
  const { bytes } = JSON.parse(run.stdout) as { bytes: number };
  print(
    `convert to ${type}`,
    `${run.seconds.toFixed(1)} s, peak RSS ${gb(run.peakResident)}, ${gb(bytes)} written: ${gb(run.writtenBytes)}`,
  );
  return { seconds: run.seconds, sha256: await hashOf(converted) };
}

function convertWords(type: string, converted: string): string[] {
  return ['convert', checkpoint, '--out', converted, '--type', type, '--json'];
}

/** One conversion with SIGKILL at several moments; each run goes on with what the one before left. */
async function killAndResume(
  type: string,
  { converted, kills, seconds, sha256 }: Once & { converted: string; kills: number },
): Promise<void> {
  await rm(converted, { recursive: true, force: true });
  for (let kill = 1; kill <= kills; kill++) {
    const after = (seconds / kills) * (0.1 + 0.8 * Math.random());
    if (!(await killPixtral(convertWords(type, converted), after))) throw new Error('it was over before the kill');
    const left = await Promise.all(
      (await readdir(converted)).map(async (name) => `${name} ${gb((await stat(join(converted, name))).size)}`),
    );
    print(`killed after ${after.toFixed(1)} s`, `left ${left.join(', ')}`);
  }
  const run = await measurePixtral(convertWords(type, converted));
  if (run.exitCode !== 0) throw new Error(`the last run ended with ${run.exitCode}`);
  const { resumed_bytes: resumed } = JSON.parse(run.stdout) as { resumed_bytes: number };
  const same = (await hashOf(converted)) === sha256;
  print(
    `gone on after ${gb(resumed)}`,
    `${run.seconds.toFixed(1)} s, ${gb(run.writtenBytes)} written, ${same ? `the same bytes (sha256 ${sha256})` : 'OTHER BYTES'}`,
  );
  if (!same || resumed === 0) process.exitCode = 1;
}

async function hashOf(converted: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['model.gguf', 'mmproj.gguf']) {
    await pipeline(createReadStream(join(converted, name), { highWaterMark: 4 * 1024 * 1024 }), async (chunks) => {
      for await (const chunk of chunks) hash.update(chunk as Buffer);
    });
  }
  return hash.digest('hex');
}

async function measureAsk(type: string, converted: string): Promise<void> {
  const model = ['--model', converted, '--max-tokens', '16', '--temperature', '0', '--json'];
  const run = await measurePixtral(['ask', picture, 'describe this', ...model]);
  if (run.exitCode !== 0) throw new Error(`ask ended with ${run.exitCode}`);
  print(
    `ask at ${type}`,
    `${run.seconds.toFixed(1)} s, peak RSS ${gb(run.peakResident)} (anonymous ${gb(run.peakAnonymous)})`,
  );
  print('answer', run.stdout.trim());
}

function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

function print(what: string, text: string): void {
  process.stdout.write(`${what}: ${text}\n`);
}
