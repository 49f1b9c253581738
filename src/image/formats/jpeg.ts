import { orientationAlone, statedOrientation } from './exif.ts';
import { type Encoded, type Size, ascii, cutShort, viewOf, without } from './opened.ts';

interface EncodedJpeg extends Encoded {
  /** 1: grey, 3: colour, 4: inks. */
  channels: number;
  /** Has an ICC profile. */
  profile: boolean;
  /** Behind its end marker. */
  end: number;
  /** It ends in a scan or behind one: all of its picture may be there. */
  lacksEnd: boolean;
  /** What it is where nothing here decodes it. */
  unreadable: string | undefined;
}

interface Segment {
  marker: number;
  /** Of the marker. */
  start: number;
  /** Of the segment's content behind its length. */
  content: number;
  end: number;
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Walks all segments and scans up to the end marker: a thumbnail in the EXIF part has an end marker of its own, and
 * cameras append films and further pictures after the right one.
 * Source: ITU T.81, annex B. Noise inside a scan cannot be told without decoding; the reference does not tell it either.
 */
export function readJpeg(bytes: Uint8Array): EncodedJpeg {
  const { segments, damage, end, lacksEnd } = readSegments(bytes);
  const frame = segments.find(({ marker, content, end }) => isFrame(marker) && end - content >= 6);
  const lines = segments.find(({ marker }) => marker === 0xdc);
  const isProfile = ({ marker, content }: Segment): boolean =>
    marker === 0xe2 && ascii(bytes, content, 11) === 'ICC_PROFILE';
  const size = frame && sizeOf(bytes, frame, lines);
  return {
    format: 'JPEG',
    size,
    damage: damage ?? (size ? undefined : 'has no picture in it'),
    opaque: true,
    orientation: 1, // the decoder turns it
    bytes: withPlainOrientation(frame && size ? withHeight(bytes, frame, size) : bytes, segments),
    channels: frame ? bytes[frame.content + 5]! : 0,
    profile: segments.some(isProfile),
    end,
    lacksEnd,
    unreadable: frame && unreadableKind(frame.marker, bytes[frame.content]!),
  };
}

/** Up to the end marker. */
function readSegments(bytes: Uint8Array): {
  segments: Segment[];
  damage: string | undefined;
  end: number;
  lacksEnd: boolean;
} {
  const view = viewOf(bytes);
  const segments: Segment[] = [];
  let at = 2;
  while (at + 2 <= bytes.byteLength) {
    if (bytes[at] !== 0xff) {
      return { segments, damage: `has no marker at byte ${at}, where one must be`, end: at, lacksEnd: false };
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) return { segments, damage: undefined, end: at + 2, lacksEnd: false };
    if (marker === 0xff) {
      at += 1; // padding
      continue;
    }
    if (isAlone(marker)) {
      at += 2;
      continue;
    }
    if (at + 4 > bytes.byteLength) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.byteLength) break;
    segments.push({ marker, start: at, content: at + 4, end });
    at = marker === 0xda ? endOfScan(bytes, end) : end;
  }
  const endsBehindScan = segments.at(-1)?.marker === 0xda && at + 1 >= bytes.byteLength;
  return { segments, damage: cutShort, end: bytes.byteLength, lacksEnd: endsBehindScan };
}

/** Where the frame leaves it open, how high it is stands behind its first scan. */
function sizeOf(bytes: Uint8Array, frame: Segment, lines: Segment | undefined): Size {
  const view = viewOf(bytes);
  const height = view.getUint16(frame.content + 1);
  const isOpen = height === 0 && lines !== undefined && lines.end - lines.content >= 2;
  return { width: view.getUint16(frame.content + 3), height: isOpen ? view.getUint16(lines.content) : height };
}

function withHeight(bytes: Uint8Array, { content }: Segment, { height }: Size): Uint8Array {
  if (viewOf(bytes).getUint16(content + 1) === height) return bytes;
  const file = Uint8Array.from(bytes);
  viewOf(file).setUint16(content + 1, height);
  return file;
}

/**
 * By the first EXIF part that states one, in the form that decoders look for: they read numbers of one kind only, and not
 * every part.
 */
function withPlainOrientation(bytes: Uint8Array, segments: readonly Segment[]): Uint8Array {
  const parts = segments.filter(({ marker, content }) => marker === 0xe1 && ascii(bytes, content, 6) === 'Exif\0\0');
  const stated = parts.flatMap(({ content, end }) => statedOrientation(bytes.subarray(content, end)) ?? []);
  const [first] = stated;
  if (!first || (first.isStandard && parts.length === 1)) return bytes;
  const exif = Buffer.concat([Buffer.from('\xff\xe1\0\x22Exif\0\0', 'latin1'), orientationAlone(first.value)]);
  return Buffer.concat([bytes.subarray(0, 2), exif, without(bytes, parts).subarray(2)]);
}

/** By the frame's marker and its bits a sample. Source: ITU T.81, table B.1; T.87. */
function unreadableKind(marker: number, bits: number): string | undefined {
  if (marker === 0xf7) return 'a JPEG-LS';
  if (marker === 0xc3) return bits === 8 ? undefined : `a lossless JPEG of ${bits} bits`;
  if (marker > 0xc3 && marker !== 0xc9 && marker !== 0xca) return 'a JPEG in layers (hierarchical)';
  return bits === 8 ? undefined : `a JPEG of ${bits} bits`;
}

/** TEM and the restart markers have no length. */
function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which stand between them; and that of JPEG-LS. */
function isFrame(marker: number): boolean {
  if (marker === 0xf7) return true;
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Where the next marker stands: in a scan, FF 00 is a byte and FF D0 to FF D7 are restarts. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.byteLength;
}
