import { viewOf } from '../opened.ts';
import { loadSharp } from '../vips.ts';
import type { Packed } from './codecs.ts';
import { tags } from './directories.ts';
import { photometrics } from './layout.ts';

/** A strip or tile of grey with transparency, of inks, or of colours with transparency, as libtiff unpacks it. */
export async function unpackJpegPart({ bytes, width, height, samples, jpegTables }: Packed): Promise<Uint8Array> {
  const size = frameSize(bytes);
  if (size?.width !== width || size.height < height) throw new Error(`a part of it is not of ${width}x${height}`);
  const sharp = await loadSharp();
  const tiff = tiffOf(bytes, { ...size, samples, jpegTables });
  const { data, info } = await sharp(tiff, { failOn: 'warning', limitInputPixels: false })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 4) throw new Error(`a part of it has ${info.channels} samples`);
  // Grey stands there three times before its transparency.
  return samples === 4 ? data : data.filter((_, at) => at % 4 === 0 || at % 4 === 3);
}

function frameSize(jpeg: Uint8Array): { width: number; height: number } | undefined {
  const view = viewOf(jpeg);
  for (let at = 2; at + 9 <= jpeg.length && jpeg[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = jpeg[at + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
  }
  return undefined;
}

const entryLength = 12;

/** Of one strip, with its directory before it. */
function tiffOf(
  strip: Uint8Array,
  { width, height, samples, jpegTables }: { width: number; height: number } & Pick<Packed, 'samples' | 'jpegTables'>,
): Uint8Array {
  const photometric = samples === 4 ? photometrics.rgb : photometrics.blackIsZero;
  const count = jpegTables.length > 0 ? 11 : 10;
  const start = 8 + 2 + count * entryLength + 4;
  const bits = new Uint8Array(samples * 2).map((_, at) => (at % 2 === 0 ? 8 : 0));
  const places = { bits: start, tables: start + bits.length, strip: start + bits.length + jpegTables.length };
  const entries: [id: number, type: number, count: number, value: number][] = [
    [tags.width, 4, 1, width],
    [tags.height, 4, 1, height],
    [tags.bitsPerSample, 3, samples, samples === 2 ? 0x0008_0008 : places.bits],
    [tags.compression, 3, 1, 7],
    [tags.photometric, 3, 1, photometric],
    [tags.stripOffsets, 4, 1, places.strip],
    [tags.samplesPerPixel, 3, 1, samples],
    [tags.rowsPerStrip, 4, 1, height],
    [tags.stripByteCounts, 4, 1, strip.length],
    [tags.extraSamples, 3, 1, 2],
  ];
  if (jpegTables.length > 0) entries.push([tags.jpegTables, 7, jpegTables.length, places.tables]);
  entries.sort(([one], [other]) => one - other);
  const file = new Uint8Array(places.strip + strip.length);
  file.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, entries.length, 0]);
  const view = viewOf(file);
  for (const [index, [id, type, values, value]] of entries.entries()) {
    const at = 10 + index * entryLength;
    view.setUint16(at, id, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, values, true);
    view.setUint32(at + 8, value, true);
  }
  file.set(bits, places.bits);
  file.set(jpegTables, places.tables);
  file.set(strip, places.strip);
  return file;
}
