/** Records about pictures of noise, for scripts that measure `batch`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCanvas } from '@napi-rs/canvas';

/** Writes pictures and a file of records about them, in turn; returns its path. */
export async function writeRecords(
  folder: string,
  { records, pictures, width, height }: { records: number; pictures: number; width: number; height: number },
): Promise<string> {
  await writePictures(folder, { pictures, width, height });
  const lines = Array.from({ length: records }, (_, index) =>
    JSON.stringify({
      id: `r${index}`,
      images: [`noise-${index % pictures}.png`],
      prompt: `What is on picture ${index}?`,
    }),
  );
  const path = join(folder, 'records.jsonl');
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

/** Writes `noise-0.png` and so on, no two alike; returns their paths. */
export async function writePictures(
  folder: string,
  { pictures, width, height }: { pictures: number; width: number; height: number },
): Promise<string[]> {
  const paths = Array.from({ length: pictures }, (_, index) => join(folder, `noise-${index}.png`));
  for (const [index, path] of paths.entries()) await writeFile(path, await noise({ width, height, seed: index + 1 }));
  return paths;
}

function noise({ width, height, seed }: { width: number; height: number; seed: number }): Promise<Buffer> {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(width, height);
  let state = seed * 7919;
  for (let at = 0; at < pixels.data.length; at++) {
    state = (state * 48_271) % 2_147_483_647;
    pixels.data[at] = at % 4 === 3 ? 255 : state & 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas.encode('png');
}
