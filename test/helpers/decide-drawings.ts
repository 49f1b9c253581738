import { mkdtempSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, beforeEach } from 'node:test';
import { scenePath } from './checkpoints.ts';
import { cli } from './cli.ts';

// For whoever imports this, each test has the drawings anew in `photos`.

/** Drawings and how many shapes are on them. The demo model knows what it sees: its numbers are right, nearly certain. */
export const shapes = { '0006a.png': 4, '0022a.png': 4, '0063a.png': 6, '0003a.png': 1 };
export const howMany = 'n=0..6: how many shapes are there?';
export const color = 'color=red|green|blue|pink|black: what color is the star?';

export const scratch = mkdtempSync(join(tmpdir(), 'pixtral-decide-'));
export const photos = join(scratch, 'photos');
export const cache = join(scratch, 'cache');
after(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  await rm(photos, { recursive: true, force: true });
  await mkdir(photos);
  for (const name of Object.keys(shapes)) await copyFile(scenePath(`demo/${name}`), join(photos, name));
});

/** What `decide` writes of a picture. */
export interface Line {
  id: string;
  answers?: {
    name: string;
    type: string;
    score?: number;
    choice?: string;
    probability?: number;
    probabilities: Record<string, number>;
    mass: number;
    order_effect?: number;
    unsure?: true;
  }[];
  error?: { code: string; message: string };
}

/** `pixtral decide` about all of `photos`. */
export async function decide(...words: string[]) {
  const env = { PIXTRAL_CACHE: cache, PIXTRAL_CACHE_SIZE: '0' };
  const run = await cli(['decide', '--model', 'demo', '--gpu', 'off', '--threads', '1', photos, ...words], { env });
  const names = run.stdout
    .split(/[\n\0]/)
    .filter((line) => line !== '')
    .map((line) => basename(line));
  return {
    ...run,
    names,
    lines: (): Line[] =>
      run.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line),
  };
}
