import { inflateSync } from 'node:zlib';
import { samplesOf } from './coloured-png.ts';
import { damaged } from './damaged.ts';
import { inSrgb, profileFits } from './in-srgb.ts';
import { type Opened, without } from './opened.ts';
import type { RawPixels } from './raw-pixels.ts';
import { type EncodedPng, type PngChunk, pngOf, readPngChunks } from './png.ts';
import { readPngHeader, unfilteredLines } from './png-data.ts';
import { uprightRaw } from './skia.ts';
import { rgbaByVips } from './vips.ts';

/** Profiles with tables have a few MB. */
const longestProfile = 2 ** 25;

/** A grey PNG with a profile, which LittleCMS converts; sharp asks it to only where samples have 8 bits. */
export function openGreyPng(png: EncodedPng, name: string): Opened {
  return {
    pageCount: 1,
    async page() {
      const inspected = png.inspection?.inspect();
      if (inspected?.kind === 'damaged') throw damaged(name, 'PNG', inspected.found);
      try {
        return uprightRaw(await rgbaOfGrey(inspected?.repaired ?? png.bytes, name), png.orientation);
      } catch (thrown) {
        throw damaged(name, 'PNG', thrown);
      }
    },
  };
}

/** By a profile of grey, or of red, green and blue, for which grey is three equal ones, as browsers have it. */
export async function rgbaOfGrey(bytes: Uint8Array, name: string): Promise<RawPixels> {
  const chunks = readPngChunks(bytes);
  const profile = profileOf(chunks);
  if (profile && profileFits(profile, 'rgb')) return rgbaOfEqual(bytes, { chunks, profile, name });
  const header = chunks.find(({ type }) => type === 'IHDR')!;
  return rgbaByVips(header.content[8] === 16 ? inEightBits(chunks, header) : bytes);
}

async function rgbaOfEqual(
  bytes: Uint8Array,
  { chunks, profile, name }: { chunks: readonly PngChunk[]; profile: Uint8Array; name: string },
): Promise<RawPixels> {
  const profiles = chunks.filter(({ type }) => type === 'iCCP');
  const { width, height, samples } = await samplesOf(without(bytes, profiles));
  const { values, maximum } = samples;
  const grey = values.filter((_, at) => at % 4 === 0);
  const rgba = await inSrgb({ width, height, model: 'grey', values: grey, profile }, name);
  for (let at = 3; at < values.length; at += 4) rgba[at] = Math.round((values[at]! * 255) / maximum);
  return { width, height, bytes: rgba };
}

/** Undefined where it is damaged. */
function profileOf(chunks: readonly PngChunk[]): Uint8Array | undefined {
  const content = chunks.find(({ type }) => type === 'iCCP')?.content;
  if (!content) return undefined;
  const methodLength = 2; // with the zero behind the name
  try {
    return inflateSync(content.subarray(content.indexOf(0) + methodLength), { maxOutputLength: longestProfile });
  } catch {
    return undefined;
  }
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
