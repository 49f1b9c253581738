import { writeFile } from 'node:fs/promises';
import { type Canvas, createCanvas } from '@napi-rs/canvas';
import type { Rgb } from '../../src/image/pixels/seen.ts';

export interface Pair {
  title: string;
  says: string;
  /** Undefined where one side has no picture. */
  ours: Rgb | undefined;
  theirs: Rgb | undefined;
}

const side = 300;
const margin = 12;
const textHeight = 46;
const cell = { width: 3 * side + 4 * margin, height: side + textHeight + margin };

/** Each pair in a line of its own: ours, the reader's, and where they differ. Two lines beside each other. */
export async function writeContactSheet(path: string, pairs: readonly Pair[]): Promise<void> {
  const columns = Math.min(2, Math.max(1, pairs.length));
  const rows = Math.max(1, Math.ceil(pairs.length / columns));
  const sheet = createCanvas(columns * cell.width, rows * cell.height);
  const context = sheet.getContext('2d');
  context.fillStyle = '#777';
  context.fillRect(0, 0, sheet.width, sheet.height);
  for (const [index, pair] of pairs.entries()) {
    const x = (index % columns) * cell.width + margin;
    const y = Math.floor(index / columns) * cell.height;
    context.fillStyle = '#fff';
    context.font = 'bold 15px sans-serif';
    context.fillText(`${pair.title}   (ours | theirs | difference)`.slice(0, 110), x, y + 18);
    context.font = '13px sans-serif';
    context.fillText(pair.says.slice(0, 140), x, y + 38);
    const pictures = [pair.ours, pair.theirs, differing(pair)];
    for (const [place, picture] of pictures.entries()) {
      if (picture) drawInto(sheet, picture, { x: x + place * (side + margin), y: y + textHeight });
    }
  }
  await writeFile(path, await sheet.encode('png'));
}

function drawInto(sheet: Canvas, picture: Rgb, { x, y }: { x: number; y: number }): void {
  const zoom = side / Math.max(picture.width, picture.height);
  const context = sheet.getContext('2d');
  context.imageSmoothingEnabled = zoom < 1;
  context.drawImage(canvasOf(picture), x, y, Math.max(1, picture.width * zoom), Math.max(1, picture.height * zoom));
}

function canvasOf({ width, height, bytes }: Rgb): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) image.data[pixel * 4 + channel] = bytes[pixel * 3 + channel]!;
    image.data[pixel * 4 + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function differing({ ours, theirs }: Pair): Rgb | undefined {
  if (!ours || !theirs || ours.width !== theirs.width || ours.height !== theirs.height) return undefined;
  return {
    ...ours,
    bytes: ours.bytes.map((value, at) => 255 - Math.min(255, 3 * Math.abs(value - theirs.bytes[at]!))),
  };
}
