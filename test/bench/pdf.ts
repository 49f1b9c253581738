/**
 * The pages of PDFs to patches, ours against `pdftoppm -scale-to 1024` (which resizes and normalises nothing), taking
 * turns on one machine: twenty pages of text, thirty scans in JPEG at 200 dpi, or what is named:
 * `npm run bench:pdf -- [document.pdf...]`. Prints every pair and the ratio of the medians.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { loadPictures } from '../../src/image/decoder/load.ts';
import { pixtralImage } from '../helpers/pictures.ts';
import { type PdfPage, makePdf } from '../helpers/make-pdf.ts';
import { median } from './median.ts';

const rounds = 9;
const scanCount = 30;
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'pixtral-bench-'));
try {
  const named = process.argv.slice(2);
  for (const path of named.length > 0 ? named : await madeDocuments()) await compare(path);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function compare(path: string): Promise<void> {
  const bytes = await readFile(path);
  const times: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const theirs = await timed(() =>
      run('pdftoppm', ['-scale-to', String(pixtralImage.maxImageSize), path, join(folder, 'page')]),
    );
    const ours = await timed(() => loadPictures({ name: path, bytes }, { image: pixtralImage, maxPages: 1000 }));
    times.push({ ours, theirs });
    console.log(`round ${round + 1}: ours ${ours.toFixed(0)} ms, pdftoppm ${theirs.toFixed(0)} ms`);
  }
  const ours = median(times.map((time) => time.ours));
  const theirs = median(times.map((time) => time.theirs));
  console.log(`${path}: medians of ${rounds}: ours ${ours.toFixed(1)} ms, pdftoppm ${theirs.toFixed(1)} ms`);
  console.log(`ratio ${(ours / theirs).toFixed(3)}`);
}

async function madeDocuments(): Promise<string[]> {
  const text = join(folder, 'report.pdf');
  await writeFile(text, makePdf(Array.from({ length: 20 }, (_, page) => reportPage(page))));
  await run('pdftoppm', ['-r', '200', '-png', text, join(folder, 'scan')]);
  const names = (await readdir(folder)).filter((name) => name.startsWith('scan')).toSorted();
  const pages: PdfPage[] = [];
  for (const name of names) pages.push(await scannedPage(join(folder, name)));
  const scans = join(folder, 'scans.pdf');
  await writeFile(scans, makePdf(Array.from({ length: scanCount }, (_, page) => pages[page % pages.length]!)));
  return [text, scans];
}

/** Its paper has a grain. */
async function scannedPage(path: string): Promise<PdfPage> {
  const image = await loadImage(path);
  const canvas = createCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height);
  let state = 1;
  for (let at = 0; at < pixels.data.length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const grain = (state >>> 28) - 12;
    for (let channel = at; channel < at + 3; channel++) pixels.data[channel] = pixels.data[channel]! + grain;
  }
  context.putImageData(pixels, 0, 0);
  const entries = `/Type /XObject /Subtype /Image /Width ${image.width} /Height ${image.height} /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /DCTDecode`;
  const bytes = canvas.toBuffer('image/jpeg', 80);
  return { size: [595, 842], content: 'q 595 0 0 842 0 0 cm /I Do Q', images: { I: { entries, bytes } } };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
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
