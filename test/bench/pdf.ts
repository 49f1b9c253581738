/**
 * The pages of a PDF to patches, ours against `pdftoppm -scale-to 1024` (which resizes and normalises nothing), taking
 * turns on one machine: `npm run bench:pdf -- [document.pdf]`. Prints every pair and the ratio of the medians.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadPictures } from '../../src/image/decoder/load.ts';
import { pixtralImage } from '../helpers/pictures.ts';
import { type PdfPage, makePdf } from '../helpers/make-pdf.ts';

const rounds = 9;
const folder = await mkdtemp(join(tmpdir(), 'pixtral-bench-'));
try {
  const path = process.argv[2] ?? join(folder, 'report.pdf');
  if (process.argv[2] === undefined)
    await writeFile(path, makePdf(Array.from({ length: 20 }, (_, page) => reportPage(page))));
  const bytes = await readFile(path);
  const times: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const theirs = await timed(() =>
      promisify(execFile)('pdftoppm', ['-scale-to', String(pixtralImage.maxImageSize), path, join(folder, 'page')]),
    );
    const ours = await timed(() => loadPictures({ name: path, bytes }, { image: pixtralImage, maxPages: 1000 }));
    times.push({ ours, theirs });
    console.log(`round ${round + 1}: ours ${ours.toFixed(0)} ms, pdftoppm ${theirs.toFixed(0)} ms`);
  }
  const ours = median(times.map((time) => time.ours));
  const theirs = median(times.map((time) => time.theirs));
  console.log(`medians of ${rounds}: ours ${ours.toFixed(1)} ms, pdftoppm ${theirs.toFixed(1)} ms`);
  console.log(`ratio ${(ours / theirs).toFixed(3)}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? NaN;
}

/** Fifty lines of text and a chart of a hundred curves, as a report has them. */
function reportPage(page: number): PdfPage {
  const words = [
    'apples',
    'pears',
    'harvest',
    'quarter',
    'of',
    'the',
    'in',
    'grew',
    'by',
    'percent',
    'while',
    'prices',
  ];
  const lines = Array.from({ length: 50 }, (_, line) => {
    const text = Array.from({ length: 14 }, (_, word) => words[(line * 7 + word * 5 + page) % words.length]).join(' ');
    return `BT /F1 9 Tf 50 ${790 - line * 10} Td (${line + 1}. ${text}) Tj ET`;
  });
  const curves = Array.from({ length: 100 }, (_, curve) => {
    const colour = [0.2, 0.4, 0.9].map((share, channel) => ((share + curve * (channel + 1) * 0.037) % 1).toFixed(2));
    return `${colour.join(' ')} RG 50 ${50 + curve} m 200 ${20 + curve * 2} 400 ${250 - curve * 2} 545 ${60 + curve} c S`;
  });
  return { size: [595, 842], content: [...lines, ...curves].join('\n') };
}
