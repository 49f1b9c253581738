/**
 * How fast 12-megapixel JPEGs are prepared for a server, beside the bare decoder on as many cores, taking turns:
 *
 *   npm run build && npm run bench:prepare [photos] [rounds]
 *
 * The bare decoder is libvips' (sharp), which decodes each picture to pixels and drops them. Ours also turns, resizes to the
 * model's grid, packs as PNG, sends to a stand-in that answers at once, and writes the answers. Start-up counts on both sides.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { photo } from './photo.ts';
import { median } from './median.ts';
import { pixtral, runCommand } from './run-command.ts';

const [photos = '60', rounds = '5'] = process.argv.slice(2);
const scratch = await mkdtemp(join(tmpdir(), 'pixtral-prepare-'));
const standIn = fork(fileURLToPath(new URL('servers-stand-in.ts', import.meta.url)), ['1', '0'], {
  execArgv: ['--import', 'tsx'],
});
try {
  const [[url]] = (await once(standIn, 'message')) as [string[]];
  const jpeg = await photo();
  for (let at = 0; at < Number(photos); at++) await writeFile(join(scratch, `${at}.jpg`), jpeg);
  const bare = `
    import sharp from 'sharp';
    import { readdirSync } from 'node:fs';
    sharp.concurrency(1);
    sharp.cache(false);
    const files = readdirSync(process.argv[1]);
    const one = async () => { for (let file = files.pop(); file; file = files.pop()) await sharp(process.argv[1] + '/' + file).raw().toBuffer(); };
    await Promise.all(Array.from({ length: ${availableParallelism()} }, one));
    console.log('done');`;
  const commands = {
    bare: [process.execPath, '--input-type=module', '-e', bare, scratch],
    ours: [...pixtral, 'batch', scratch, '-p', 'What?', '--server', url!, '--quiet'],
  };
  const seconds = { bare: [] as number[], ours: [] as number[] };
  for (let round = 0; round < Number(rounds); round++) {
    for (const who of ['bare', 'ours'] as const) seconds[who].push((await runCommand(commands[who])).seconds);
  }
  const shares = seconds.ours.map((ours, round) => seconds.bare[round]! / ours);
  const rate = (who: 'bare' | 'ours'): string => (Number(photos) / median(seconds[who])).toFixed(1);
  console.log(`${rate('bare')} pictures a second decoded, ${rate('ours')} prepared and sent`);
  console.log(`share: median ${median(shares).toFixed(2)}, rounds ${shares.map((one) => one.toFixed(2)).join(' ')}`);
} finally {
  standIn.disconnect();
  await rm(scratch, { recursive: true, force: true });
}
