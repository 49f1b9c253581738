import { damaged } from './damaged.ts';
import { type OpenRequest, dataBreaksOff } from './opened.ts';
import { pngOf, readPngChunks } from './png.ts';
import { readPngHeader, samplesPerPixel, unfilteredLines } from './png-data.ts';

/**
 * The PNG that Xcode made a `CgBI` file of: that has no zlib header, and blue first and colours multiplied by how
 * opaque they are where they have 8 bits a channel.
 * @throws PixtralError `input` when its data breaks off
 */
export function standardPng({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Uint8Array {
  const chunks = readPngChunks(bytes);
  const header = readPngHeader(chunks.find(({ type }) => type === 'IHDR')!.content);
  const parts = chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content);
  const lines = unfilteredLines(header, Buffer.concat(parts));
  if (!lines) throw damaged(name, 'PNG', dataBreaksOff);
  const samples = samplesPerPixel(header);
  if (samples >= 3 && header.bits === 8) {
    for (const { start, end } of lines.places) standardColours(lines.bytes.subarray(start, end), samples);
  }
  return pngOf(
    chunks.filter(({ type }) => type !== 'CgBI'),
    lines.bytes,
  );
}

/** One line, in place. */
function standardColours(line: Uint8Array, samples: number): void {
  for (let at = 0; at + samples <= line.length; at += samples) {
    const [blue, green, red] = [line[at]!, line[at + 1]!, line[at + 2]!];
    const alpha = samples === 4 ? line[at + 3]! : 255;
    const whole = (value: number): number => (alpha === 0 ? 0 : Math.min(255, Math.round((value * 255) / alpha)));
    line[at] = whole(red);
    line[at + 1] = whole(green);
    line[at + 2] = whole(blue);
  }
}
