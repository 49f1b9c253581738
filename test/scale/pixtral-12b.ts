/**
 * Size: a checkpoint of Pixtral-12B's exact shapes with random weights (25 GB), converted and asked once.
 *
 *   npm run build && npm run measure:12b -- <folder with 45 GB free> [type] [--keep]
 *
 * Prints seconds, peak memory and bytes. The answer is noise: random weights prove scale, not sight.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCanvas } from '@napi-rs/canvas';
import { jsonBytes, tekkenFile } from '../helpers/tekken.ts';
import { measurePixtral } from './measure.ts';
import { pixtral12b, writeRandomCheckpoint } from './random-checkpoint.ts';

const [folder, type = 'q8_0'] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const keep = process.argv.includes('--keep');
if (folder === undefined) throw new Error('usage: npm run measure:12b -- <folder> [type] [--keep]');

const checkpoint = join(folder, 'checkpoint');
const converted = join(folder, `converted-${type}`);
const picture = join(folder, '512x512.png');
mkdirSync(folder, { recursive: true });
try {
  await makePicture();
  await makeCheckpoint();
  await measureConvert();
  await measureAsk();
} finally {
  if (!keep) await Promise.all([checkpoint, converted].map((path) => rm(path, { recursive: true, force: true })));
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
  if (existsSync(join(checkpoint, 'consolidated.safetensors'))) return;
  const { bavail, bsize } = await statfs(folder!);
  if (bavail * bsize < 45e9) throw new Error(`${folder}: ${gb(bavail * bsize)} free, expected 45 GB`);
  const bytes = await writeRandomCheckpoint(checkpoint, {
    params: pixtral12b,
    tekken: jsonBytes(tekkenFile('v3')),
    seed: 1,
    onProgress: () => {},
  });
  print('checkpoint', gb(bytes));
}

async function measureConvert(): Promise<void> {
  const run = await measurePixtral(['convert', checkpoint, '--out', converted, '--type', type, '--json']);
  if (run.exitCode !== 0) throw new Error(`convert ended with ${run.exitCode}`);
  print(
    `convert to ${type}`,
    `${run.seconds.toFixed(1)} s, peak RSS ${gb(run.peakResident)} (anonymous ${gb(run.peakAnonymous)})`,
  );
  print('result', run.stdout.trim());
}

async function measureAsk(): Promise<void> {
  const run = await measurePixtral([
    'ask',
    picture,
    'describe this',
    '--model',
    converted,
    '--max-tokens',
    '16',
    '--temperature',
    '0',
    '--json',
  ]);
  if (run.exitCode !== 0) throw new Error(`ask ended with ${run.exitCode}`);
  print('ask', `${run.seconds.toFixed(1)} s, peak RSS ${gb(run.peakResident)} (anonymous ${gb(run.peakAnonymous)})`);
  print('answer', run.stdout.trim());
}

function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

function print(what: string, text: string): void {
  process.stdout.write(`${what}: ${text}\n`);
}
