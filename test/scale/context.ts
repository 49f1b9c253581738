/**
 * The whole context for real: PDFs of 2 to 31 pages at full detail in one prompt, up to Pixtral's 131,072 ids, on a
 * checkpoint with its vocabulary and next to no weights, with KV caches of f16 and q8_0: seconds and memory by length.
 *
 *     npm run build && npm run measure:context -- <folder> [--pages 2,4,8,16,31] [--caches f16,q8_0]
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ModelConfig } from '../../src/weights/types.ts';
import type { AskJson } from '../../src/wires/json.ts';
import { makePdf } from '../helpers/make-pdf.ts';
import { measurePixtral } from './measure.ts';
import { pixtral12b, writeRandomCheckpoint } from './random-checkpoint.ts';

/** One layer on each side: what is measured is the length. */
const smallest: ModelConfig = {
  text: { ...pixtral12b.text, dim: 128, layers: 1, heads: 2, kvHeads: 1, headDim: 64, hiddenDim: 256 },
  vision: { ...pixtral12b.vision, hiddenSize: 64, intermediateSize: 128, layers: 1, heads: 1 },
};
const wholeContext = 131_072;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pages: { type: 'string', default: '2,4,8,16,31' },
    caches: { type: 'string', default: 'f16,q8_0' },
  },
});
const [folder = '.'] = positionals;
const pair = join(folder, 'pair');
await mkdir(folder, { recursive: true });
if (!existsSync(pair)) await makePair();
process.stdout.write('cache  pages      ids  seconds  processor  tower  prefill  ms an id  peak, files left out\n');
for (const cache of flags.caches.split(',')) {
  for (const pages of flags.pages.split(',').map(Number)) await measure(pages, cache);
}

async function makePair(): Promise<void> {
  const checkpoint = join(folder, 'checkpoint');
  await writeRandomCheckpoint(checkpoint, { config: smallest, layout: 'mistral' });
  const { exitCode } = await measurePixtral(['convert', checkpoint, '--type', 'bf16', '--out', pair]);
  if (exitCode !== 0) throw new Error(`convert ends with ${exitCode}`);
}

async function measure(pages: number, cache: string): Promise<void> {
  const file = join(folder, `${pages}.pdf`);
  await writeFile(file, makePdf(Array.from({ length: pages }, (_, index) => page(index + 1))));
  const question = fill(pages);
  const settings = ['--model', pair, '--gpu', 'off', '--json', '--no-cache', '--temperature', '0'];
  const length = ['--max-pages', String(pages), '--max-tokens', '4', '--context', 'auto', '--cache-type', cache];
  const run = await measurePixtral(['ask', file, question, ...settings, ...length]);
  if (run.exitCode !== 0) throw new Error(`${pages} pages, ${cache}: ask ends with ${run.exitCode}`);
  const { usage, timings } = JSON.parse(run.stdout) as AskJson;
  const columns = [
    cache.padEnd(5),
    String(pages).padStart(5),
    String(usage.prompt).padStart(7),
    run.seconds.toFixed(1).padStart(7),
    run.processorSeconds.toFixed(1).padStart(9),
    (timings.encode_ms / 1000).toFixed(1).padStart(5),
    (timings.prefill_ms / 1000).toFixed(1).padStart(7),
    (timings.prefill_ms / usage.prompt).toFixed(3).padStart(8),
    `${(run.peakAnonymous / 2 ** 20).toFixed(0)} MiB`,
  ];
  process.stdout.write(`${columns.join('  ')}\n`);
}

/** A square page: 64 rows of 64 ids and a break, as much as a picture can have. */
function page(number: number): Parameters<typeof makePdf>[0][number] {
  return {
    size: [1024, 1024],
    content: `BT /F1 200 Tf 100 400 Td (page ${number}) Tj ET 0 0 0.8 rg 100 100 700 60 re f`,
  };
}

/** As many words as the last page's share leaves room for, where it is the whole context. */
function fill(pages: number): string {
  const left = pages === 31 ? wholeContext - 31 * 64 * 65 - 40 : 8;
  return 'a '.repeat(left).trimEnd();
}
