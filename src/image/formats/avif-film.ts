import type { Metadata } from 'sharp';
import { damaged } from './damaged.ts';
import type { FilmTrack } from './film-track.ts';
import { readHeifItems } from './heif-items.ts';
import { heifPixels } from './heif-pixels.ts';
import { type Opened, cutShort, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { rgbaPixels } from './raw-pixels.ts';
import { loadSharp } from './vips.ts';

/** The frames of a film. */
export function openAvifFilm(bytes: Uint8Array, tracks: readonly FilmTrack[], name: string): Opened {
  for (const track of tracks) {
    checkSize(track, name);
    if (track.samples.some(({ end }) => end > bytes.byteLength)) throw damaged(name, 'AVIF', cutShort);
  }
  return {
    pageCount: tracks[0]!.samples.length,
    page: (index) =>
      decodeWithLibaom(frameFile(bytes, tracks, index), name).catch((thrown: unknown) => {
        throw damaged(name, 'AVIF', thrown);
      }),
  };
}

/** A file of one picture, in all its bits, cropped and turned as it says. */
export async function decodeWithLibaom(frame: Uint8Array, name: string): Promise<Pixels> {
  const sharp = await loadSharp();
  const picture = sharp(frame, { failOn: 'warning', limitInputPixels: false });
  const metadata = await picture.metadata();
  checkSize(metadata, name);
  const { hasProfile, depth } = metadata;
  const isDeep = depth === 'ushort' && !hasProfile;
  const { data, info } = await picture
    .toColourspace(isDeep ? 'rgb16' : 'srgb')
    .ensureAlpha()
    .raw({ depth: isDeep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const [item] = readHeifItems(frame).pictures;
  if (hasProfile) return rgbaPixels({ width, height, bytes: data });
  return heifPixels({
    width,
    height,
    samples: isDeep
      ? { values: new Uint16Array(Uint8Array.from(data).buffer), maximum: deepMaximum(metadata) }
      : { values: data, maximum: 255 },
    colours: item?.colours,
    isPremultiplied: item?.isPremultiplied ?? false,
  });
}

/** libvips puts 10 and 12 bits at the upper end of 16. */
function deepMaximum({ bitsPerSample = 16 }: Metadata): number {
  return (2 ** bitsPerSample - 1) * 2 ** (16 - bitsPerSample);
}

/**
 * A frame of a film as a file of one picture. All of the stream from the keyframe before it on goes into that picture:
 * libaom shows the last frame of what it is given.
 */
function frameFile(bytes: Uint8Array, [film, mask]: readonly FilmTrack[], index: number): Uint8Array {
  const parts = [film!, ...(mask ? [mask] : [])].map((track) => ({ track, stream: streamUpTo(bytes, track, index) }));
  const header = (at: number): Buffer =>
    Buffer.concat([box('ftyp', 'avif', word(0), 'mif1avif'), metaOf(bytes, parts, at)]);
  const streams = box('mdat', ...parts.map(({ stream }) => stream));
  return Buffer.concat([header(header(0).byteLength + 8), streams]);
}

interface Part {
  track: FilmTrack;
  stream: Buffer;
}

function streamUpTo(bytes: Uint8Array, { samples, keyframes }: FilmTrack, index: number): Buffer {
  const first = keyframes ? Math.max(0, ...keyframes.filter((keyframe) => keyframe <= index)) : index;
  return Buffer.concat(samples.slice(first, index + 1).map(({ start, end }) => bytes.subarray(start, end)));
}

/** The picture is item 1, its mask item 2. Source: ISO/IEC 23008-12, 6 and 9. */
function metaOf(bytes: Uint8Array, parts: readonly Part[], firstAt: number): Buffer {
  let at = firstAt;
  let properties = 0;
  const places: Buffer[] = [];
  const infos: Buffer[] = [];
  const shared: Buffer[] = [];
  const associations: Buffer[] = [];
  for (const [index, { track, stream }] of parts.entries()) {
    const id = short(index + 1);
    const own = propertiesOf(bytes, track);
    infos.push(box('infe', Buffer.from([2, 0, 0, 0]), id, short(0), 'av01', Buffer.from([0])));
    places.push(id, short(0), short(1), word(at), word(stream.byteLength));
    associations.push(id, Buffer.from([own.length, ...own.map((_, number) => 0x80 | (properties + number + 1))]));
    shared.push(...own);
    at += stream.byteLength;
    properties += own.length;
  }
  return full(
    'meta',
    full('hdlr', word(0), 'pict', Buffer.alloc(13)),
    full('pitm', short(1)),
    full('iloc', Buffer.from([0x44, 0]), short(parts.length), ...places),
    full('iinf', short(parts.length), ...infos),
    ...(parts.length > 1 ? [full('iref', ...maskReferences(parts[0]!.track))] : []),
    box('iprp', box('ipco', ...shared), full('ipma', word(parts.length), ...associations)),
  );
}

function maskReferences({ isPremultiplied }: FilmTrack): Buffer[] {
  const mask = box('auxl', short(2), short(1), short(1));
  return isPremultiplied ? [mask, box('prem', short(1), short(1), short(2))] : [mask];
}

const alphaAuxiliary = 'urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0';

function propertiesOf(bytes: Uint8Array, { width, height, isMask, properties }: FilmTrack): Buffer[] {
  const kept = properties.filter(({ type }) => ['av1C', 'colr', 'clap', 'irot', 'imir', 'pasp'].includes(type));
  return [
    full('ispe', word(width), word(height)),
    ...(isMask ? [full('auxC', alphaAuxiliary)] : []),
    ...kept.map(({ type, start, end }) => box(type, bytes.subarray(start, end))),
  ];
}

function full(type: string, ...content: (string | Uint8Array)[]): Buffer {
  return box(type, word(0), ...content);
}

function box(type: string, ...content: (string | Uint8Array)[]): Buffer {
  const parts = content.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part));
  const bytes = Buffer.concat([word(0), Buffer.from(type, 'latin1'), ...parts]);
  viewOf(bytes).setUint32(0, bytes.byteLength);
  return bytes;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
