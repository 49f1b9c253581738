import { damaged } from './damaged.ts';
import type { Opened } from './opened.ts';
import { type EncodedPng, type PngChunk, pngOf, readPngChunks } from './png.ts';
import { readPngHeader, unfilteredLines } from './png-data.ts';
import { uprightRaw } from './skia.ts';
import { rgbaByVips } from './vips.ts';

/** A grey PNG with a profile of grey, which LittleCMS converts; sharp asks it to only where samples have 8 bits. */
export function openGreyPng(png: EncodedPng, name: string): Opened {
  return {
    pageCount: 1,
    async page() {
      const inspected = png.inspection?.inspect();
      if (inspected?.kind === 'damaged') throw damaged(name, 'PNG', inspected.found);
      try {
        return uprightRaw(await rgbaOfGrey(inspected?.repaired ?? png.bytes), png.orientation);
      } catch (thrown) {
        throw damaged(name, 'PNG', thrown);
      }
    },
  };
}

export async function rgbaOfGrey(bytes: Uint8Array): ReturnType<typeof rgbaByVips> {
  const chunks = readPngChunks(bytes);
  const header = chunks.find(({ type }) => type === 'IHDR')!;
  return rgbaByVips(header.content[8] === 16 ? inEightBits(chunks, header) : bytes);
}

function inEightBits(chunks: readonly PngChunk[], header: PngChunk): Uint8Array {
  const data = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content));
  const deep = readPngHeader(header.content);
  const { bytes, places } = unfilteredLines(deep, data.subarray(2))!;
  const lines = places.map(({ start, end }) => {
    const line = Buffer.alloc(1 + (end - start) / 2);
    for (let at = start; at < end; at += 2) line[1 + (at - start) / 2] = Math.round(bytes.readUInt16BE(at) / 257);
    return line;
  });
  const content = Uint8Array.from(header.content);
  content[8] = 8;
  return pngOf(
    chunks.map((chunk) => (chunk === header ? { ...chunk, content } : chunk)),
    Buffer.concat(lines),
  );
}
