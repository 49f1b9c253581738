/**
 * What decoding a large photo costs in memory: `npm run measure:decode -- [megapixels]`, on Linux. Draws a
 * JPEG of that size, loads it as `ask` would, and prints the peaks of the decoder's process and of this one.
 */
import { createCanvas } from '@napi-rs/canvas';
import { readFile } from 'node:fs/promises';
import { loadPictures } from '../../src/image/decoder/load.ts';

const megapixels = Number(process.argv[2] ?? 100);
const bytes = await drawJpeg(megapixels);
const before = await peakOf('self');
const start = performance.now();
const [picture] = await loadPictures(
  { name: 'large.jpg', bytes },
  { image: { patchSize: 16, maxImageSize: 1024, spatialMergeSize: 1 }, maxPages: 1 },
);
const seconds = (performance.now() - start) / 1000;
const [decoder] = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ');
console.log(`${picture!.width}x${picture!.height}, ${bytes.byteLength} bytes: ${seconds.toFixed(1)} s`);
console.log(
  `peak of the decoder: ${await peakOf(decoder!)}; of the program before ${before}, after ${await peakOf('self')}`,
);

async function drawJpeg(millions: number): Promise<Buffer> {
  const width = Math.round(Math.sqrt((millions * 1e6 * 4) / 3));
  const canvas = createCanvas(width, Math.round((millions * 1e6) / width));
  const context = canvas.getContext('2d');
  for (let y = 0; y < canvas.height; y += 40) {
    for (let x = 0; x < width; x += 40) {
      context.fillStyle = `hsl(${(x * 7 + y * 3) % 360} 60% ${30 + ((x ^ y) % 40)}%)`;
      context.fillRect(x, y, 40, 40);
    }
  }
  return canvas.encode('jpeg', 90);
}

async function peakOf(processId: string): Promise<string> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8');
  return `${(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024).toFixed(0)} MiB`;
}
