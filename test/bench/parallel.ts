/**
 * What `pixtral batch --parallel` gains: the same records with 1, 2 and 4 at once, each also with --reproducible. Random
 * weights in Pixtral's form with some 650 million parameters; answers are noise and end at --max-tokens.
 *
 *   npm run build && npm run bench:parallel -- <folder> [records] [max-tokens] [picture side]
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { convertedFolder } from '../helpers/converted.ts';
import { writeRecords } from '../scale/batch-records.ts';
import { measurePixtral } from '../scale/measure.ts';
import { pixtral12b, writeRandomCheckpoint } from '../scale/random-checkpoint.ts';

const [folder, ...numbers] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: npm run bench:parallel -- <folder> [records] [max-tokens] [side]');
const [records = 12, maxTokens = 48, side = 128] = numbers.map(Number);

const { text, vision } = pixtral12b;
const config = {
  text: { ...text, dim: 1536, layers: 18, heads: 12, kvHeads: 4, hiddenDim: 4096 },
  vision: { ...vision, layers: 4 },
};
const checkpoint = join(folder, 'checkpoint-650m');
await writeRandomCheckpoint(checkpoint, { config, layout: 'mistral' });
const pair = await convertedFolder(checkpoint, 'q8_0');
await rm(checkpoint, { recursive: true });
try {
  const path = await writeRecords(folder, { records, pictures: records, width: side, height: side });
  const common = ['batch', '--records', path, '--model', pair.folder, '--gpu', 'off', '--no-cache', '-q'];
  let first: number | undefined;
  for (const how of [['1'], ['2'], ['4'], ['2', '--reproducible'], ['4', '--reproducible']]) {
    const words = ['--temperature', '0', '--max-tokens', String(maxTokens), '--parallel', ...how];
    const { stdout, seconds } = await measurePixtral([...common, ...words]);
    const tokens = completionTokens(stdout);
    first ??= seconds;
    const ratio = (first / seconds).toFixed(2);
    process.stdout.write(
      `--parallel ${how.join(' ')}: ${seconds.toFixed(1)} s, ${tokens} tokens, ${ratio} times as fast\n`,
    );
  }
} finally {
  await pair.remove();
}

function completionTokens(lines: string): number {
  let tokens = 0;
  for (const line of lines.trimEnd().split('\n')) {
    tokens += (JSON.parse(line) as { usage: { completion: number } }).usage.completion;
  }
  return tokens;
}
