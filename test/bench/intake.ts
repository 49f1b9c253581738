/**
 * How soon pictures and commands are there, this build against an older one, taking turns on one machine:
 *
 *   npm run build && npm run bench:intake -- <folder of an older build> [rounds]
 *
 * The folder is a clone at the older commit with its dependencies, built. Prints every pair and the ratio of the medians.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { photo } from './photo.ts';
import { fileURLToPath } from 'node:url';
import { pixtral, runCommand } from './run-command.ts';
import { median } from './median.ts';

const [older, rounds = '5'] = process.argv.slice(2);
if (older === undefined) throw new Error('usage: npm run bench:intake -- <folder of an older build> [rounds]');
const photos = 40;
const scratch = await mkdtemp(join(tmpdir(), 'pixtral-bench-'));
const scene = fileURLToPath(new URL('../../fixtures/scenes/demo/0000a.png', import.meta.url));

try {
  const folder = join(scratch, 'photos');
  await mkdir(folder);
  await writeFile(join(folder, '1.jpg'), await photo());
  for (let copy = 2; copy <= photos; copy++) await cp(join(folder, '1.jpg'), join(folder, `${copy}.jpg`));
  const once = ['--model', 'demo', '--max-tokens', '1', '--no-cache'];
  const tasks: Record<string, string[]> = {
    '--version': ['--version'],
    'tokens of a PNG': ['tokens', scene, 'What?', '--model', 'demo'],
    'ask --model demo': ['ask', scene, 'What is on this picture?', '--model', 'demo'],
    [`batch of ${photos} JPEGs of 12 megapixels`]: ['batch', folder, '-p', 'What?', ...once],
  };
  for (const [task, words] of Object.entries(tasks)) await compare(task, words);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function compare(task: string, words: readonly string[]): Promise<void> {
  const commands = { older: [process.execPath, join(older!, 'bin', 'pixtral.cjs')], ours: pixtral };
  const seconds = { older: [] as number[], ours: [] as number[] };
  for (let round = 0; round <= Number(rounds); round++) {
    for (const build of ['older', 'ours'] as const) {
      const run = await runCommand([...commands[build], ...words], { PIXTRAL_CACHE: join(scratch, build) });
      if (round > 0) seconds[build].push(run.seconds); // the first one fills caches
    }
  }
  const [before, now] = [median(seconds.older), median(seconds.ours)];
  const pairs = seconds.ours.map((ours, round) => `${seconds.older[round]!.toFixed(3)}/${ours.toFixed(3)}`).join(' ');
  console.log(`${task}: ${before.toFixed(3)} s before, ${now.toFixed(3)} s now, ${(before / now).toFixed(2)} times`);
  console.log(`  ${pairs}`);
}
