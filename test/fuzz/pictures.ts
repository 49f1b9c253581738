/**
 * Pictures of every format changed at random for as long as wanted, outside CI:
 *
 *   npm run fuzz:pictures -- [seconds] [seed] [folder of more files]
 *
 * Each becomes a picture or an error of ours. A decoder that crashes, works longer than five seconds or takes more than
 * a gigabyte is a finding: the file is kept, the summary names it, and the exit code is 1.
 */
import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PixtralError } from '../../src/base/errors.ts';
import { DecoderProcess } from '../../src/image/decoder/decoder-process.ts';
import { imageNames, imagePath } from '../helpers/corpus.ts';
import { type Random, changed, seeded } from './mutate.ts';

const [seconds = 60, seed = 1] = process.argv.slice(2, 4).map(Number);
const more = process.argv[4];
const paths = [...imageNames().map(imagePath), ...(more === undefined ? [] : await filesIn(more))];
const files = await Promise.all(paths.map(async (path) => ({ name: basename(path), bytes: await readFile(path) })));
const findings = await mkdtemp(join(tmpdir(), 'pixtral-fuzz-'));
const image = { patchSize: 16, maxImageSize: 64, spatialMergeSize: 1 };
const counts = { shown: 0, refused: 0, found: 0 };
let slowest = { milliseconds: 0, name: '' };

const end = performance.now() + seconds * 1000;
await Promise.all(Array.from({ length: availableParallelism() }, (_, worker) => work(seeded(seed * 1000 + worker))));
console.log(`${counts.shown} shown, ${counts.refused} refused, ${counts.found} found in ${seconds} s, seed ${seed}`);
console.log(`slowest: ${slowest.name}, ${slowest.milliseconds.toFixed(0)} ms`);
if (counts.found > 0) {
  console.log(findings);
  process.exitCode = 1;
}

async function work(random: Random): Promise<void> {
  const entry = new URL('../../src/image/decoder/decoder-entry.ts', import.meta.url);
  const decoder = new DecoderProcess({ entry, limits: { milliseconds: 5000, maxBytes: 2 ** 30 } });
  try {
    while (performance.now() < end) {
      const { name, bytes } = files[random(files.length)]!;
      await tryOne(decoder, { name, bytes: changed(bytes, { other: files[random(files.length)]!.bytes, random }) });
    }
  } finally {
    decoder.close();
  }
}

async function tryOne(decoder: DecoderProcess, file: { name: string; bytes: Uint8Array }): Promise<void> {
  const start = performance.now();
  try {
    await decoder.decode({ ...file, image, selection: undefined, crops: undefined, maxPages: 30 }, undefined);
    counts.shown++;
  } catch (thrown) {
    const isOurs = thrown instanceof PixtralError && thrown.code === 'input';
    const says = thrown instanceof Error ? `${thrown.message}: ${String(thrown.cause)}` : String(thrown);
    if (isOurs && !/its decoder crashed|is not decoded after|takes more than/.test(says)) counts.refused++;
    else await keep(file, says);
  }
  const milliseconds = performance.now() - start;
  if (milliseconds > slowest.milliseconds) slowest = { milliseconds, name: file.name };
}

async function keep({ name, bytes }: { name: string; bytes: Uint8Array }, says: string): Promise<void> {
  const path = join(findings, `${++counts.found}-${name}`);
  await writeFile(path, bytes);
  console.log(`${path}: ${says.split('\n', 1)[0]}`);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
